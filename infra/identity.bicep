// Whom the app runs as. An identity of its own, not the app's: it is there before the app starts, keeps its
// roles when the app is made anew, and is what is added to the Azure DevOps organizations.

param name string
param location string
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

output id string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
