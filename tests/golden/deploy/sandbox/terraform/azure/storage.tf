# Storage at Azure: accounts, how objects age, where they are copied, logs.
# From the estate sandbox: datasets, stores.
# Written by polycloud render: change the estate, not this file.

resource "azurerm_log_analytics_workspace" "eastus" {
  location                     = "eastus"
  resource_group_name          = azurerm_resource_group.eastus.name
  tags                         = local.tags
  name                         = "sandbox-logs-eastus"
  sku                          = "PerGB2018"
  retention_in_days            = 400
  local_authentication_enabled = false
}

resource "azurerm_storage_account" "logs_eastus" {
  location                          = "eastus"
  resource_group_name               = azurerm_resource_group.eastus.name
  tags                              = local.tags
  name                              = "sandboxlogseastus"
  account_kind                      = "StorageV2"
  account_tier                      = "Standard"
  account_replication_type          = "ZRS"
  access_tier                       = "Hot"
  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  public_network_access_enabled     = false
  allow_nested_items_to_be_public   = false
  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  cross_tenant_replication_enabled  = false
  infrastructure_encryption_enabled = true
  local_user_enabled                = false
  depends_on                        = [azurerm_role_assignment.keys_eastus]
  # checkov:skip=CKV2_AZURE_33:Only Azure's network watcher writes there, as a service that is let in.
  # checkov:skip=CKV_AZURE_33:It holds objects alone, no queues.
  # checkov:skip=CKV_AZURE_206:Azure's own copies go where Azure likes; where copies are, the estate says.
  # checkov:skip=CKV2_AZURE_21:Who reads is logged by its diagnostic setting, which goes to a workspace.
  # checkov:skip=CKV2_AZURE_41:No shared access signature is signed: keys of the account are off.

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.keys_eastus.id]
  }

  customer_managed_key {
    key_vault_key_id          = azurerm_key_vault_key.data__eastus.versionless_id
    user_assigned_identity_id = azurerm_user_assigned_identity.keys_eastus.id
  }

  network_rules {
    default_action = "Deny"
    bypass         = ["AzureServices"]
  }

  blob_properties {
    delete_retention_policy {
      days = 30
    }

    container_delete_retention_policy {
      days = 30
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_storage_management_policy" "logs_eastus" {
  storage_account_id = azurerm_storage_account.logs_eastus.id

  rule {
    name    = "age"
    enabled = true

    filters {
      blob_types = ["blockBlob"]
    }

    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = 400
      }
    }
  }
}

resource "azurerm_log_analytics_workspace" "westeurope" {
  location                     = "westeurope"
  resource_group_name          = azurerm_resource_group.westeurope.name
  tags                         = local.tags
  name                         = "sandbox-logs-westeurope"
  sku                          = "PerGB2018"
  retention_in_days            = 400
  local_authentication_enabled = false
}

resource "azurerm_storage_account" "logs_westeurope" {
  location                          = "westeurope"
  resource_group_name               = azurerm_resource_group.westeurope.name
  tags                              = local.tags
  name                              = "sandboxlogswesteurope"
  account_kind                      = "StorageV2"
  account_tier                      = "Standard"
  account_replication_type          = "ZRS"
  access_tier                       = "Hot"
  min_tls_version                   = "TLS1_2"
  https_traffic_only_enabled        = true
  public_network_access_enabled     = false
  allow_nested_items_to_be_public   = false
  shared_access_key_enabled         = false
  default_to_oauth_authentication   = true
  cross_tenant_replication_enabled  = false
  infrastructure_encryption_enabled = true
  local_user_enabled                = false
  depends_on                        = [azurerm_role_assignment.keys_westeurope]
  # checkov:skip=CKV2_AZURE_33:Only Azure's network watcher writes there, as a service that is let in.
  # checkov:skip=CKV_AZURE_33:It holds objects alone, no queues.
  # checkov:skip=CKV_AZURE_206:Azure's own copies go where Azure likes; where copies are, the estate says.
  # checkov:skip=CKV2_AZURE_21:Who reads is logged by its diagnostic setting, which goes to a workspace.
  # checkov:skip=CKV2_AZURE_41:No shared access signature is signed: keys of the account are off.

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.keys_westeurope.id]
  }

  customer_managed_key {
    key_vault_key_id          = azurerm_key_vault_key.data__westeurope.versionless_id
    user_assigned_identity_id = azurerm_user_assigned_identity.keys_westeurope.id
  }

  network_rules {
    default_action = "Deny"
    bypass         = ["AzureServices"]
  }

  blob_properties {
    delete_retention_policy {
      days = 30
    }

    container_delete_retention_policy {
      days = 30
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "azurerm_storage_management_policy" "logs_westeurope" {
  storage_account_id = azurerm_storage_account.logs_westeurope.id

  rule {
    name    = "age"
    enabled = true

    filters {
      blob_types = ["blockBlob"]
    }

    actions {
      base_blob {
        delete_after_days_since_modification_greater_than = 400
      }
    }
  }
}
