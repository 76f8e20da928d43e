# Roles and trusted token issuers at Azure.
# From the estate active-active: roles, identity.
# Written by polycloud render: change the estate, not this file.

resource "azurerm_role_assignment" "analysts__group__analysts__cognitive_services_openai_user___e3bf0e__eastus" {
  scope                = azurerm_cognitive_account.eastus.id
  role_definition_name = "Cognitive Services OpenAI User"
  principal_id         = data.azuread_group.group__analysts.object_id
  description          = "Role analysts of the estate."
}

resource "azurerm_role_assignment" "analysts__group__analysts__cognitive_services_openai_user___e3bf0e__westeurope" {
  scope                = azurerm_cognitive_account.westeurope.id
  role_definition_name = "Cognitive Services OpenAI User"
  principal_id         = data.azuread_group.group__analysts.object_id
  description          = "Role analysts of the estate."
}

resource "azurerm_role_assignment" "auditors__group__audit__azure_kubernetes_service_rbac_reader___c1ee72__azure_eastus" {
  scope                = azurerm_kubernetes_cluster.azure_eastus.id
  role_definition_name = "Azure Kubernetes Service RBAC Reader"
  principal_id         = data.azuread_group.group__audit.object_id
  description          = "Role auditors of the estate."
}

resource "azurerm_role_assignment" "auditors__group__audit__azure_kubernetes_service_rbac_reader___c1ee72__azure_westeurope" {
  scope                = azurerm_kubernetes_cluster.azure_westeurope.id
  role_definition_name = "Azure Kubernetes Service RBAC Reader"
  principal_id         = data.azuread_group.group__audit.object_id
  description          = "Role auditors of the estate."
}

resource "azurerm_role_assignment" "auditors__group__audit__azure_kubernetes_service_cluster_user_role___a09d6d__azure_eastus" {
  scope                = azurerm_kubernetes_cluster.azure_eastus.id
  role_definition_name = "Azure Kubernetes Service Cluster User Role"
  principal_id         = data.azuread_group.group__audit.object_id
  description          = "Role auditors of the estate."
}

resource "azurerm_role_assignment" "auditors__group__audit__azure_kubernetes_service_cluster_user_role___a09d6d__azure_westeurope" {
  scope                = azurerm_kubernetes_cluster.azure_westeurope.id
  role_definition_name = "Azure Kubernetes Service Cluster User Role"
  principal_id         = data.azuread_group.group__audit.object_id
  description          = "Role auditors of the estate."
}

resource "azurerm_role_assignment" "operators__group__platform__azure_kubernetes_service_rbac_cluster_admin___1c6ad1__azure_eastus" {
  scope                = azurerm_kubernetes_cluster.azure_eastus.id
  role_definition_name = "Azure Kubernetes Service RBAC Cluster Admin"
  principal_id         = data.azuread_group.group__platform.object_id
  description          = "Role operators of the estate."
}

resource "azurerm_role_assignment" "operators__group__platform__azure_kubernetes_service_rbac_cluster_admin___1c6ad1__azure_westeurope" {
  scope                = azurerm_kubernetes_cluster.azure_westeurope.id
  role_definition_name = "Azure Kubernetes Service RBAC Cluster Admin"
  principal_id         = data.azuread_group.group__platform.object_id
  description          = "Role operators of the estate."
}

resource "azurerm_role_assignment" "operators__group__platform__azure_kubernetes_service_cluster_user_role___a09d6d__azure_eastus" {
  scope                = azurerm_kubernetes_cluster.azure_eastus.id
  role_definition_name = "Azure Kubernetes Service Cluster User Role"
  principal_id         = data.azuread_group.group__platform.object_id
  description          = "Role operators of the estate."
}

resource "azurerm_role_assignment" "operators__group__platform__azure_kubernetes_service_cluster_user_role___a09d6d__azure_westeurope" {
  scope                = azurerm_kubernetes_cluster.azure_westeurope.id
  role_definition_name = "Azure Kubernetes Service Cluster User Role"
  principal_id         = data.azuread_group.group__platform.object_id
  description          = "Role operators of the estate."
}

resource "azurerm_role_assignment" "operators__group__platform__azure_kubernetes_service_rbac_writer___1a823b__azure_eastus" {
  scope                = "${azurerm_kubernetes_cluster.azure_eastus.id}/namespaces/workloads"
  role_definition_name = "Azure Kubernetes Service RBAC Writer"
  principal_id         = data.azuread_group.group__platform.object_id
  description          = "Role operators of the estate."
}

resource "azurerm_role_assignment" "operators__group__platform__azure_kubernetes_service_rbac_writer___1a823b__azure_westeurope" {
  scope                = "${azurerm_kubernetes_cluster.azure_westeurope.id}/namespaces/workloads"
  role_definition_name = "Azure Kubernetes Service RBAC Writer"
  principal_id         = data.azuread_group.group__platform.object_id
  description          = "Role operators of the estate."
}

data "azuread_group" "group__analysts" {
  display_name     = "analysts"
  security_enabled = true
}

data "azuread_group" "group__audit" {
  display_name     = "audit"
  security_enabled = true
}

data "azuread_group" "group__platform" {
  display_name     = "platform"
  security_enabled = true
}

resource "azuread_conditional_access_policy" "people" {
  display_name = "active-active: a second factor for its roles"
  state        = var.second_factor_policy

  conditions {
    client_app_types = ["all"]

    applications {
      included_applications = ["All"]
    }

    users {
      included_groups = [
        data.azuread_group.group__analysts.object_id,
        data.azuread_group.group__audit.object_id,
        data.azuread_group.group__platform.object_id,
      ]
      excluded_groups = var.emergency_groups
    }
  }

  grant_controls {
    operator          = "OR"
    built_in_controls = ["mfa"]
  }

  session_controls {
    sign_in_frequency        = 8
    sign_in_frequency_period = "hours"
    persistent_browser_mode  = "never"
  }
}
