// The namespace of the queues. Private endpoints exist in the Premium tier only.

param name string
param location string
param tags object
param privateNetwork bool

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: privateNetwork ? 'Premium' : 'Standard'
    tier: privateNetwork ? 'Premium' : 'Standard'
    capacity: privateNetwork ? 1 : null
  }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
  }
}
