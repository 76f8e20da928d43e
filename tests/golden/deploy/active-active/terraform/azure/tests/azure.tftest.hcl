# What the estate promises, over the plan, without an account: terraform test.
# From the estate active-active: all of it.
# Written by polycloud render: change the estate, not this file.

mock_provider "azurerm" {
  mock_data "azurerm_client_config" {
    defaults = {
      tenant_id       = "00000000-0000-0000-0000-000000000000"
      object_id       = "00000000-0000-0000-0000-000000000000"
      subscription_id = "00000000-0000-0000-0000-000000000000"
      client_id       = "00000000-0000-0000-0000-000000000000"
    }
  }
}

mock_provider "azuread" {
  mock_data "azuread_group" {
    defaults = {
      object_id = "00000000-0000-0000-0000-000000000000"
    }
  }
}

run "keys_are_renewed" {
  command = plan

  assert {
    condition     = length(azurerm_key_vault_key.data__eastus.rotation_policy) == 1
    error_message = "The key at azure/eastus must be renewed by itself."
  }

  assert {
    condition     = length(azurerm_key_vault_key.data__westeurope.rotation_policy) == 1
    error_message = "The key at azure/westeurope must be renewed by itself."
  }

  assert {
    condition     = azurerm_key_vault.data__eastus.purge_protection_enabled
    error_message = "The key vault at azure/eastus must not be deleted for good: with it goes all that it wraps."
  }

  assert {
    condition     = azurerm_key_vault.data__westeurope.purge_protection_enabled
    error_message = "The key vault at azure/westeurope must not be deleted for good: with it goes all that it wraps."
  }
}

run "clusters_are_closed" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.azure_eastus.private_cluster_enabled && azurerm_kubernetes_cluster.azure_eastus.local_account_disabled
    error_message = "The Kubernetes API of azure-eastus must be reached from inside, and by Entra alone."
  }

  assert {
    condition     = length(azurerm_kubernetes_cluster.azure_eastus.key_management_service) == 1
    error_message = "Secrets of azure-eastus must be encrypted by our key."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.azure_eastus.kubernetes_version == "1.35"
    error_message = "azure-eastus must run 1.35."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.azure_westeurope.private_cluster_enabled && azurerm_kubernetes_cluster.azure_westeurope.local_account_disabled
    error_message = "The Kubernetes API of azure-westeurope must be reached from inside, and by Entra alone."
  }

  assert {
    condition     = length(azurerm_kubernetes_cluster.azure_westeurope.key_management_service) == 1
    error_message = "Secrets of azure-westeurope must be encrypted by our key."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.azure_westeurope.kubernetes_version == "1.35"
    error_message = "azure-westeurope must run 1.35."
  }
}

run "pools_keep_their_bounds" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.azure_eastus__gpu.min_count == 0 && azurerm_kubernetes_cluster_node_pool.azure_eastus__gpu.max_count == 10
    error_message = "The pool gpu of azure-eastus has 0 to 10 machines."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.azure_eastus.default_node_pool[0].min_count == 3 && azurerm_kubernetes_cluster.azure_eastus.default_node_pool[0].max_count == 3
    error_message = "The pool system of azure-eastus has 3 to 3 machines."
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.azure_eastus__workload.min_count == 5 && azurerm_kubernetes_cluster_node_pool.azure_eastus__workload.max_count == 50
    error_message = "The pool workload of azure-eastus has 5 to 50 machines."
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.azure_westeurope__gpu.min_count == 0 && azurerm_kubernetes_cluster_node_pool.azure_westeurope__gpu.max_count == 10
    error_message = "The pool gpu of azure-westeurope has 0 to 10 machines."
  }

  assert {
    condition     = azurerm_kubernetes_cluster.azure_westeurope.default_node_pool[0].min_count == 3 && azurerm_kubernetes_cluster.azure_westeurope.default_node_pool[0].max_count == 3
    error_message = "The pool system of azure-westeurope has 3 to 3 machines."
  }

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.azure_westeurope__workload.min_count == 5 && azurerm_kubernetes_cluster_node_pool.azure_westeurope__workload.max_count == 50
    error_message = "The pool workload of azure-westeurope has 5 to 50 machines."
  }
}

run "models_are_worked_on_where_they_may_be" {
  command = plan

  assert {
    condition     = !azurerm_cognitive_account.eastus.local_auth_enabled
    error_message = "Models at azure/eastus must be called by identities alone, never by keys."
  }

  assert {
    condition     = !azurerm_cognitive_account.westeurope.local_auth_enabled
    error_message = "Models at azure/westeurope must be called by identities alone, never by keys."
  }

  assert {
    condition     = azurerm_cognitive_deployment.eastus__gpt_4o.sku[0].name == "Standard"
    error_message = "gpt-4o at azure/eastus must be worked on where the estate says."
  }

  assert {
    condition     = azurerm_cognitive_deployment.westeurope__gpt_4o.sku[0].name == "Standard"
    error_message = "gpt-4o at azure/westeurope must be worked on where the estate says."
  }
}

run "people_sign_in_with_a_second_factor" {
  command = plan

  assert {
    condition     = contains(azuread_conditional_access_policy.people.grant_controls[0].built_in_controls, "mfa")
    error_message = "Whoever holds a role must be asked for a second factor."
  }

  assert {
    condition     = azuread_conditional_access_policy.people.state == "enabled"
    error_message = "The policy must be in force."
  }
}
