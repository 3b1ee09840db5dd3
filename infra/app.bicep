// The Functions app on Flex Consumption, its settings, and who may reach it.

param name string
param planName string
param location string
param tags object
param identityId string
param identityClientId string
param storageName string
param packageContainer string
param serviceBusName string
param vaultName string
param tokenKeySecret string
param patSecretName string
param clientSecretName string
param applicationInsightsName string
param subnetId string
param apiClientId string
param mappingIntake string
param maximumInstanceCount int
param instanceMemoryMB int
param updateStrategy string
param requestsAtOnce int
param hourlyRequestCap int

var secretsUri = 'https://${vaultName}${environment().suffixes.keyvaultDns}/secrets'

// Where everything is, and as whom the app goes there: names, and no keys.
var places = {
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  ServiceBusConnection__fullyQualifiedNamespace: '${serviceBusName}.servicebus.windows.net'
  ServiceBusConnection__credential: 'managedidentity'
  ServiceBusConnection__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  STATE_URL: 'tables://${storageName}?client_id=${identityClientId}'
  TOKEN_KEY: 'keyvault://${vaultName}/${tokenKeySecret}?client_id=${identityClientId}'
}
var limits = {
  REQUESTS_AT_ONCE: string(requestsAtOnce)
  HOURLY_REQUEST_CAP: string(hourlyRequestCap)
  MAPPING_INTAKE: mappingIntake
}
// Secrets stay in the vault. The app gets references to them, and only to those that were asked for.
var personalAccessToken = empty(patSecretName) ? {} : {
  ADO_PAT: '@Microsoft.KeyVault(SecretUri=${secretsUri}/${patSecretName}/)'
}
var clientSecret = empty(clientSecretName) ? {} : {
  AZURE_CLIENT_SECRET: '@Microsoft.KeyVault(SecretUri=${secretsUri}/${clientSecretName}/)'
}
// Schedules and whatever else of docs/settings.md an operator wants to set.
var chosen = loadJsonContent('settings.json')

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': 'connector'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: instanceMemoryMB
      }
      // Rolling: what runs ends in its own time, and two versions are at work meanwhile.
      siteUpdateStrategy: {
        type: updateStrategy
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: 'https://${storageName}.blob.${environment().suffixes.storage}/${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      // Nobody from outside, unless there is a registration to sign in with, or pipelines may report. Deployments
      // come over the other address (scm), where only people with a role on the app are let in.
      ipSecurityRestrictionsDefaultAction: (empty(apiClientId) && mappingIntake == 'off') ? 'Deny' : 'Allow'
      scmIpSecurityRestrictionsDefaultAction: 'Allow'
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(chosen, limits, places, personalAccessToken, clientSecret)
}

resource authentication 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: true
      // Browsers are sent to sign in; a program that comes with a token is never sent anywhere.
      unauthenticatedClientAction: empty(apiClientId) ? 'Return401' : 'RedirectToLoginPage'
      redirectToProvider: empty(apiClientId) ? null : 'azureactivedirectory'
      // Reports of pipelines come with a token of Azure DevOps, which the app itself verifies.
      excludedPaths: [
        '/api/container-mappings'
        // Says healthy or degraded, and no more to whom it does not know.
        '/api/health'
      ]
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: empty(apiClientId) ? {} : {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: apiClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${subscription().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            apiClientId
            'api://${apiClientId}'
          ]
        }
      }
    }
  }
}

// No user name and password for deployments: whoever deploys signs in to Microsoft Entra.
resource scmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource ftpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

output name string = app.name
