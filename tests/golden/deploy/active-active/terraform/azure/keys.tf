# Key vaults and keys at Azure: one for each site, and who uses them.
# From the estate active-active: encryption_keys.
# Written by polycloud render: change the estate, not this file.

resource "azurerm_key_vault" "data__eastus" {
  location                      = "eastus"
  resource_group_name           = azurerm_resource_group.eastus.name
  tags                          = local.tags
  name                          = "active-active-dat-dc47be"
  tenant_id                     = data.azurerm_client_config.this.tenant_id
  sku_name                      = "standard"
  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  enabled_for_disk_encryption   = true
  public_network_access_enabled = length(var.operator_addresses) > 0
  # checkov:skip=CKV_AZURE_189:Closed unless var.operator_addresses names addresses, and open to them.
  # checkov:skip=CKV2_AZURE_32:It has its private endpoint in network.tf where the site has a network.

  network_acls {
    default_action = "Deny"
    bypass         = "AzureServices"
    ip_rules       = var.operator_addresses
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_role_assignment" "officer_data__eastus" {
  scope                = azurerm_key_vault.data__eastus.id
  role_definition_name = "Key Vault Crypto Officer"
  principal_id         = data.azurerm_client_config.this.object_id
  description          = "Makes and renews the key: whoever runs Terraform."
}

resource "azurerm_key_vault_key" "data__eastus" {
  name         = "data"
  key_vault_id = azurerm_key_vault.data__eastus.id
  key_type     = "RSA"
  key_size     = 3072
  key_opts     = ["decrypt", "encrypt", "unwrapKey", "wrapKey"]
  depends_on   = [azurerm_role_assignment.officer_data__eastus]
  # checkov:skip=CKV_AZURE_40:What an ended version wrapped could not be read; new versions follow by policy.
  # checkov:skip=CKV_AZURE_112:The estate asks for no hardware: encryption_keys.hardware.

  rotation_policy {
    automatic {
      time_after_creation = "P90D"
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_user_assigned_identity" "keys_eastus" {
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "active-active-keys-eastus"
}

resource "azurerm_role_assignment" "keys_eastus" {
  scope                = azurerm_key_vault_key.data__eastus.resource_versionless_id
  role_definition_name = "Key Vault Crypto Service Encryption User"
  principal_id         = azurerm_user_assigned_identity.keys_eastus.principal_id
  principal_type       = "ServicePrincipal"
  description          = "Wraps and unwraps data keys of this site."
}

resource "azurerm_key_vault" "data__westeurope" {
  location                      = "westeurope"
  resource_group_name           = azurerm_resource_group.westeurope.name
  tags                          = local.tags
  name                          = "active-active-dat-e6ab03"
  tenant_id                     = data.azurerm_client_config.this.tenant_id
  sku_name                      = "standard"
  rbac_authorization_enabled    = true
  purge_protection_enabled      = true
  soft_delete_retention_days    = 90
  enabled_for_disk_encryption   = true
  public_network_access_enabled = length(var.operator_addresses) > 0
  # checkov:skip=CKV_AZURE_189:Closed unless var.operator_addresses names addresses, and open to them.
  # checkov:skip=CKV2_AZURE_32:It has its private endpoint in network.tf where the site has a network.

  network_acls {
    default_action = "Deny"
    bypass         = "AzureServices"
    ip_rules       = var.operator_addresses
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_role_assignment" "officer_data__westeurope" {
  scope                = azurerm_key_vault.data__westeurope.id
  role_definition_name = "Key Vault Crypto Officer"
  principal_id         = data.azurerm_client_config.this.object_id
  description          = "Makes and renews the key: whoever runs Terraform."
}

resource "azurerm_key_vault_key" "data__westeurope" {
  name         = "data"
  key_vault_id = azurerm_key_vault.data__westeurope.id
  key_type     = "RSA"
  key_size     = 3072
  key_opts     = ["decrypt", "encrypt", "unwrapKey", "wrapKey"]
  depends_on   = [azurerm_role_assignment.officer_data__westeurope]
  # checkov:skip=CKV_AZURE_40:What an ended version wrapped could not be read; new versions follow by policy.
  # checkov:skip=CKV_AZURE_112:The estate asks for no hardware: encryption_keys.hardware.

  rotation_policy {
    automatic {
      time_after_creation = "P90D"
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_user_assigned_identity" "keys_westeurope" {
  location            = "westeurope"
  resource_group_name = azurerm_resource_group.westeurope.name
  tags                = local.tags
  name                = "active-active-keys-westeurope"
}

resource "azurerm_role_assignment" "keys_westeurope" {
  scope                = azurerm_key_vault_key.data__westeurope.resource_versionless_id
  role_definition_name = "Key Vault Crypto Service Encryption User"
  principal_id         = azurerm_user_assigned_identity.keys_westeurope.principal_id
  principal_type       = "ServicePrincipal"
  description          = "Wraps and unwraps data keys of this site."
}
