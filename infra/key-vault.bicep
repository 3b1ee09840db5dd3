// Holds the key that seals people's sign-ins and, where asked for, a token or a client secret. Access is by
// role only. Purge protection is off, so that an environment can be taken away and made again under its name;
// should the key be lost, people sign in once more (`ado-connector connector authorize`).

param name string
param location string
param tags object
param privateNetwork bool

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
      bypass: 'None'
    }
  }
}
