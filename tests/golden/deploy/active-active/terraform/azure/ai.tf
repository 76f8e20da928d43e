# Models at Azure: accounts, deployments, and who may call them.
# From the estate active-active: models.
# Written by polycloud render: change the estate, not this file.

resource "azurerm_cognitive_account" "eastus" {
  location                           = "eastus"
  resource_group_name                = azurerm_resource_group.eastus.name
  tags                               = local.tags
  name                               = "globex-eastus"
  kind                               = "AIServices"
  sku_name                           = "S0"
  custom_subdomain_name              = "globex-eastus"
  local_auth_enabled                 = false
  public_network_access_enabled      = length(var.model_callers) > 0
  outbound_network_access_restricted = true
  fqdns                              = []
  depends_on                         = [azurerm_role_assignment.keys_eastus]
  # checkov:skip=CKV_AZURE_134:Closed unless var.model_callers names addresses, and open to them alone.
  # checkov:skip=CKV2_AZURE_22:The key is given below, by the identity that may use it.

  network_acls {
    default_action = "Deny"
    ip_rules       = var.model_callers
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.keys_eastus.id]
  }

  customer_managed_key {
    key_vault_key_id   = azurerm_key_vault_key.data__eastus.id
    identity_client_id = azurerm_user_assigned_identity.keys_eastus.client_id
  }
}

resource "azurerm_monitor_diagnostic_setting" "models_eastus" {
  name                       = "polycloud"
  target_resource_id         = azurerm_cognitive_account.eastus.id
  log_analytics_workspace_id = azurerm_log_analytics_workspace.eastus.id

  enabled_log {
    category = "Audit"
  }

  enabled_log {
    category = "RequestResponse"
  }
}

resource "azurerm_private_endpoint" "models_eastus" {
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "polycloud-models-eastus"
  subnet_id           = azurerm_subnet.endpoints_eastus.id

  private_service_connection {
    name                           = "polycloud-models-eastus"
    private_connection_resource_id = azurerm_cognitive_account.eastus.id
    subresource_names              = ["account"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name = "polycloud"
    private_dns_zone_ids = [
      azurerm_private_dns_zone.cognitiveservices_azure_com__eastus.id,
      azurerm_private_dns_zone.openai_azure_com__eastus.id,
      azurerm_private_dns_zone.services_ai_azure_com__eastus.id,
    ]
  }
}

resource "azurerm_cognitive_account" "westeurope" {
  location                           = "westeurope"
  resource_group_name                = azurerm_resource_group.westeurope.name
  tags                               = local.tags
  name                               = "globex-westeurope"
  kind                               = "AIServices"
  sku_name                           = "S0"
  custom_subdomain_name              = "globex-westeurope"
  local_auth_enabled                 = false
  public_network_access_enabled      = length(var.model_callers) > 0
  outbound_network_access_restricted = true
  fqdns                              = []
  depends_on                         = [azurerm_role_assignment.keys_westeurope]
  # checkov:skip=CKV_AZURE_134:Closed unless var.model_callers names addresses, and open to them alone.
  # checkov:skip=CKV2_AZURE_22:The key is given below, by the identity that may use it.

  network_acls {
    default_action = "Deny"
    ip_rules       = var.model_callers
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.keys_westeurope.id]
  }

  customer_managed_key {
    key_vault_key_id   = azurerm_key_vault_key.data__westeurope.id
    identity_client_id = azurerm_user_assigned_identity.keys_westeurope.client_id
  }
}

resource "azurerm_monitor_diagnostic_setting" "models_westeurope" {
  name                       = "polycloud"
  target_resource_id         = azurerm_cognitive_account.westeurope.id
  log_analytics_workspace_id = azurerm_log_analytics_workspace.westeurope.id

  enabled_log {
    category = "Audit"
  }

  enabled_log {
    category = "RequestResponse"
  }
}

resource "azurerm_private_endpoint" "models_westeurope" {
  location            = "westeurope"
  resource_group_name = azurerm_resource_group.westeurope.name
  tags                = local.tags
  name                = "polycloud-models-westeurope"
  subnet_id           = azurerm_subnet.endpoints_westeurope.id

  private_service_connection {
    name                           = "polycloud-models-westeurope"
    private_connection_resource_id = azurerm_cognitive_account.westeurope.id
    subresource_names              = ["account"]
    is_manual_connection           = false
  }

  private_dns_zone_group {
    name = "polycloud"
    private_dns_zone_ids = [
      azurerm_private_dns_zone.cognitiveservices_azure_com__westeurope.id,
      azurerm_private_dns_zone.openai_azure_com__westeurope.id,
      azurerm_private_dns_zone.services_ai_azure_com__westeurope.id,
    ]
  }
}

resource "azurerm_cognitive_deployment" "eastus__gpt_4o" {
  name                   = "gpt-4o"
  cognitive_account_id   = azurerm_cognitive_account.eastus.id
  version_upgrade_option = "OnceNewDefaultVersionAvailable"

  model {
    format  = "OpenAI"
    name    = "gpt-4o"
    version = lookup(var.model_versions, "gpt-4o", null)
  }

  sku {
    name     = "Standard"
    capacity = var.model_capacity
  }
}

resource "azurerm_cognitive_deployment" "westeurope__gpt_4o" {
  name                   = "gpt-4o"
  cognitive_account_id   = azurerm_cognitive_account.westeurope.id
  version_upgrade_option = "OnceNewDefaultVersionAvailable"

  model {
    format  = "OpenAI"
    name    = "gpt-4o"
    version = lookup(var.model_versions, "gpt-4o", null)
  }

  sku {
    name     = "Standard"
    capacity = var.model_capacity
  }
}

resource "azurerm_user_assigned_identity" "gateway" {
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "active-active-gateway"
}

resource "azurerm_federated_identity_credential" "gateway_azure_eastus" {
  name                      = "azure-eastus"
  issuer                    = azurerm_kubernetes_cluster.azure_eastus.oidc_issuer_url
  user_assigned_identity_id = azurerm_user_assigned_identity.gateway.id
  subject                   = "system:serviceaccount:polycloud:polycloud"
  audience                  = ["api://AzureADTokenExchange"]
}

resource "azurerm_federated_identity_credential" "gateway_azure_westeurope" {
  name                      = "azure-westeurope"
  issuer                    = azurerm_kubernetes_cluster.azure_westeurope.oidc_issuer_url
  user_assigned_identity_id = azurerm_user_assigned_identity.gateway.id
  subject                   = "system:serviceaccount:polycloud:polycloud"
  audience                  = ["api://AzureADTokenExchange"]
}

resource "azurerm_federated_identity_credential" "gateway_abroad" {
  for_each                  = var.cluster_issuers
  name                      = each.key
  issuer                    = each.value
  user_assigned_identity_id = azurerm_user_assigned_identity.gateway.id
  subject                   = "system:serviceaccount:polycloud:polycloud"
  audience                  = ["api://AzureADTokenExchange"]
}

resource "azurerm_role_assignment" "gateway_eastus" {
  scope                = azurerm_cognitive_account.eastus.id
  role_definition_name = "Cognitive Services OpenAI User"
  principal_id         = azurerm_user_assigned_identity.gateway.principal_id
  principal_type       = "ServicePrincipal"
  description          = "The gateway calls models."
}

resource "azurerm_role_assignment" "gateway_westeurope" {
  scope                = azurerm_cognitive_account.westeurope.id
  role_definition_name = "Cognitive Services OpenAI User"
  principal_id         = azurerm_user_assigned_identity.gateway.principal_id
  principal_type       = "ServicePrincipal"
  description          = "The gateway calls models."
}
