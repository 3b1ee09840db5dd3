// Everything that the app needs in Azure: `azd up` makes it, `azd down` takes it away.
// docs/deploy/README.md walks through it; each role that is given stands there with its reason.
targetScope = 'subscription'

@description('Name of this environment. Several live side by side: each has a resource group of its own.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Azure region of all resources. It has to offer Flex Consumption.')
@minLength(1)
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('Reach storage, queues and vault by private endpoints only. Makes Service Bus Premium, which costs.')
param privateNetwork bool = false

@description('Resource id of a Key Vault (RBAC) to use, rather than a new one.')
param existingKeyVaultId string = ''

@description('Resource id of a Service Bus namespace to use. The queues are made in it, so one environment each.')
param existingServiceBusId string = ''

@description('Resource id of a Log Analytics workspace to use, rather than a new one.')
param existingLogAnalyticsId string = ''

@description('Object id of the person or group that runs the command line against the app; empty for nobody.')
param operatorId string = ''

@description('What the operator is.')
@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param operatorType string = 'User'

@description('Name of the secret in the vault that holds a personal access token; empty for none.')
param patSecretName string = ''

@description('Name of the secret in the vault that holds a service principal\'s client secret; empty for none.')
param clientSecretName string = ''

@description('Client id of the registration that people and programs sign in to the app with; empty closes it.')
param apiClientId string = ''

@description('Whether pipelines may report the images that they push. Opens that one address of the app.')
@allowed([
  'on'
  'off'
])
param mappingIntake string = 'off'

@description('Most instances of each function. Queues have one function each, so it bounds each kind of work.')
@minValue(1)
@maxValue(40)
param maximumInstanceCount int = 2

@description('Memory of an instance in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('How instances are replaced: RollingUpdate lets what runs end, Recreate ends it and is quicker.')
@allowed([
  'RollingUpdate'
  'Recreate'
])
param updateStrategy string = 'RollingUpdate'

@description('Requests to one organization at a time, of one instance.')
@minValue(1)
@maxValue(16)
param requestsAtOnce int = 4

@description('Most requests per hour to one organization, of all instances together; 0 for no cap.')
@minValue(0)
param hourlyRequestCap int = 0

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Most GB of logs a day; what comes after is dropped until the next day.')
@minValue(1)
param dailyLogCapGB int = 1

@description('Who is told of alerts by e-mail; empty for nobody: they are then seen in the portal.')
param alertEmail string = ''

var suffix = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var queueNames = [
  'onboarding'
  'inventory'
  'prerequisites'
  'extension'
  'posture'
  'notifications'
  'images'
]
// With the suffix, since environments may share a vault.
var tokenKeySecret = 'ado-connector-token-key-${suffix}'
var groupName = 'rg-ado-connector-${environmentName}'

// A resource that is there already may be in a group of its own, and what is given on it is given there:
// /subscriptions/[2]/resourceGroups/[4]/providers/…/[8]
var newVault = empty(existingKeyVaultId)
var vaultSubscription = newVault ? subscription().subscriptionId : split(existingKeyVaultId, '/')[2]
var vaultGroup = newVault ? groupName : split(existingKeyVaultId, '/')[4]
var vaultName = newVault ? 'kv-adoc-${suffix}' : split(existingKeyVaultId, '/')[8]
var newServiceBus = empty(existingServiceBusId)
var serviceBusSubscription = newServiceBus ? subscription().subscriptionId : split(existingServiceBusId, '/')[2]
var serviceBusGroup = newServiceBus ? groupName : split(existingServiceBusId, '/')[4]
var serviceBusName = newServiceBus ? 'sb-ado-connector-${suffix}' : split(existingServiceBusId, '/')[8]

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: groupName
  location: location
  tags: tags
}

module identity 'identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-ado-connector-${suffix}'
    location: location
    tags: tags
  }
}

module monitoring 'monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    workspaceName: 'log-ado-connector-${suffix}'
    applicationInsightsName: 'appi-ado-connector-${suffix}'
    location: location
    tags: tags
    existingWorkspaceId: existingLogAnalyticsId
    retentionDays: logRetentionDays
    dailyCapGB: dailyLogCapGB
    appPrincipalId: identity.outputs.principalId
  }
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    namePrefix: 'ado-connector-${environmentName}'
    actionGroupName: 'ag-ado-connector-${suffix}'
    location: location
    tags: tags
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    alertEmail: alertEmail
  }
}

module workbook 'workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    displayName: 'Azure DevOps connector ${environmentName}'
    location: location
    tags: tags
    applicationInsightsName: monitoring.outputs.applicationInsightsName
  }
}

module storage 'storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'stadoc${suffix}'
    location: location
    tags: tags
    privateNetwork: privateNetwork
    appPrincipalId: identity.outputs.principalId
    operatorId: operatorId
    operatorType: operatorType
  }
}

module vault 'key-vault.bicep' = if (newVault) {
  name: 'key-vault'
  scope: group
  params: {
    name: vaultName
    location: location
    tags: tags
    privateNetwork: privateNetwork
  }
}

module vaultRoles 'key-vault-roles.bicep' = {
  name: 'key-vault-roles-${suffix}'
  scope: resourceGroup(vaultSubscription, vaultGroup)
  params: {
    vaultName: vaultName
    appPrincipalId: identity.outputs.principalId
    operatorId: operatorId
    operatorType: operatorType
  }
  dependsOn: [
    vault
  ]
}

module serviceBus 'service-bus.bicep' = if (newServiceBus) {
  name: 'service-bus'
  scope: group
  params: {
    name: serviceBusName
    location: location
    tags: tags
    privateNetwork: privateNetwork
  }
}

module queues 'service-bus-queue.bicep' = [for queueName in queueNames: {
  name: 'queue-${queueName}-${suffix}'
  scope: resourceGroup(serviceBusSubscription, serviceBusGroup)
  params: {
    namespaceName: serviceBusName
    name: queueName
    appPrincipalId: identity.outputs.principalId
    operatorId: operatorId
    operatorType: operatorType
  }
  dependsOn: [
    serviceBus
  ]
}]

module network 'network.bicep' = if (privateNetwork) {
  name: 'network'
  scope: group
  params: {
    name: 'vnet-ado-connector-${suffix}'
    location: location
    tags: tags
    storageId: storage.outputs.id
    vaultId: resourceId(vaultSubscription, vaultGroup, 'Microsoft.KeyVault/vaults', vaultName)
    serviceBusId: resourceId(serviceBusSubscription, serviceBusGroup, 'Microsoft.ServiceBus/namespaces', serviceBusName)
  }
  dependsOn: [
    vault
    serviceBus
  ]
}

module app 'app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: 'func-ado-connector-${suffix}'
    planName: 'plan-ado-connector-${suffix}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    packageContainer: storage.outputs.packageContainer
    serviceBusName: serviceBusName
    vaultName: vaultName
    tokenKeySecret: tokenKeySecret
    patSecretName: patSecretName
    clientSecretName: clientSecretName
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    subnetId: privateNetwork ? network.outputs.appSubnetId : ''
    apiClientId: apiClientId
    mappingIntake: mappingIntake
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    updateStrategy: updateStrategy
    requestsAtOnce: requestsAtOnce
    hourlyRequestCap: hourlyRequestCap
  }
  // The app starts as soon as it is made, and what it starts with must let it in.
  dependsOn: [
    vaultRoles
    queues
  ]
}

// azd keeps these in .azure/ENVIRONMENT/.env; the last three are what the command line needs, and no secret.
output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = app.outputs.name
output STORAGE_ACCOUNT_NAME string = storage.outputs.name
output PACKAGE_CONTAINER string = storage.outputs.packageContainer
output APP_CLIENT_ID string = identity.outputs.clientId
output APP_OBJECT_ID string = identity.outputs.principalId
output KEY_VAULT_NAME string = vaultName
output STATE_URL string = 'tables://${storage.outputs.name}'
output QUEUE_URL string = 'servicebus://${serviceBusName}.servicebus.windows.net'
output TOKEN_KEY string = 'keyvault://${vaultName}/${tokenKeySecret}'
