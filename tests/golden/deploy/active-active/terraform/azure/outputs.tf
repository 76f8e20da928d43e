# What other roots and people need to know.
# From the estate active-active: clouds.azure.
# Written by polycloud render: change the estate, not this file.

output "subscription" {
  description = "The subscription that all this is in."
  value       = data.azurerm_client_config.this.subscription_id
}

output "network_eastus" {
  description = "The network at azure/eastus."
  value = {
    id      = azurerm_virtual_network.eastus.id
    cidr    = "10.19.0.0/16"
    subnets = [azurerm_subnet.machines_eastus.id]
    way_out = azurerm_public_ip.nat_eastus.ip_address
    group   = azurerm_resource_group.eastus.name
  }
}

output "network_westeurope" {
  description = "The network at azure/westeurope."
  value = {
    id      = azurerm_virtual_network.westeurope.id
    cidr    = "10.20.0.0/16"
    subnets = [azurerm_subnet.machines_westeurope.id]
    way_out = azurerm_public_ip.nat_westeurope.ip_address
    group   = azurerm_resource_group.westeurope.name
  }
}

output "cluster_azure_eastus" {
  description = "The cluster azure-eastus, for kubectl and for other roots."
  value = {
    name     = azurerm_kubernetes_cluster.azure_eastus.name
    endpoint = azurerm_kubernetes_cluster.azure_eastus.fqdn
    group    = azurerm_kubernetes_cluster.azure_eastus.resource_group_name
    issuer   = azurerm_kubernetes_cluster.azure_eastus.oidc_issuer_url
    region   = "eastus"
  }
}

output "cluster_azure_westeurope" {
  description = "The cluster azure-westeurope, for kubectl and for other roots."
  value = {
    name     = azurerm_kubernetes_cluster.azure_westeurope.name
    endpoint = azurerm_kubernetes_cluster.azure_westeurope.fqdn
    group    = azurerm_kubernetes_cluster.azure_westeurope.resource_group_name
    issuer   = azurerm_kubernetes_cluster.azure_westeurope.oidc_issuer_url
    region   = "westeurope"
  }
}

output "models_eastus" {
  description = "Where models at azure/eastus are called."
  value       = azurerm_cognitive_account.eastus.endpoint
}

output "models_westeurope" {
  description = "Where models at azure/westeurope are called."
  value       = azurerm_cognitive_account.westeurope.endpoint
}

output "gateway_identity" {
  description = "The client id that the gateway's pods act as."
  value       = azurerm_user_assigned_identity.gateway.client_id
}

output "gateway_tenant" {
  description = "The tenant of the gateway's identity."
  value       = data.azurerm_client_config.this.tenant_id
}

output "service_key_aws_azure_us" {
  description = "What the provider of aws-azure-us asks for; null before the line is in var.lines."
  value       = one(azurerm_express_route_circuit.aws_azure_us[*].service_key)
  sensitive   = true
}

output "collector_eastus" {
  description = "APPLICATIONINSIGHTS_CONNECTION_STRING of the collector at azure/eastus."
  value       = azurerm_application_insights.eastus.connection_string
  sensitive   = true
}

output "collector_westeurope" {
  description = "APPLICATIONINSIGHTS_CONNECTION_STRING of the collector at azure/westeurope."
  value       = azurerm_application_insights.westeurope.connection_string
  sensitive   = true
}
