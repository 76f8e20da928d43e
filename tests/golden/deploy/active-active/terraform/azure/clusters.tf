# Clusters at Azure, with their pools of machines and the rights of their parts.
# From the estate active-active: clusters.
# Written by polycloud render: change the estate, not this file.

resource "azurerm_user_assigned_identity" "clusters_eastus" {
  location            = "eastus"
  resource_group_name = azurerm_resource_group.eastus.name
  tags                = local.tags
  name                = "active-active-clusters-eastus"
}

resource "azurerm_role_assignment" "clusters_network_eastus" {
  scope                = azurerm_virtual_network.eastus.id
  role_definition_name = "Network Contributor"
  principal_id         = azurerm_user_assigned_identity.clusters_eastus.principal_id
  principal_type       = "ServicePrincipal"
  description          = "The clusters of this site: they put machines and load balancers into its subnets."
}

resource "azurerm_role_assignment" "clusters_disks_eastus" {
  scope                = azurerm_disk_encryption_set.eastus.id
  role_definition_name = "Reader"
  principal_id         = azurerm_user_assigned_identity.clusters_eastus.principal_id
  principal_type       = "ServicePrincipal"
  description          = "The clusters of this site: they look up the key of their disks."
}

resource "azurerm_role_assignment" "clusters_vault_eastus" {
  scope                = azurerm_key_vault.data__eastus.id
  role_definition_name = "Key Vault Contributor"
  principal_id         = azurerm_user_assigned_identity.clusters_eastus.principal_id
  principal_type       = "ServicePrincipal"
  description          = "The clusters of this site: they join it, which is closed, to their API."
}

resource "azurerm_role_assignment" "clusters_key_eastus" {
  scope                = azurerm_key_vault_key.data__eastus.resource_versionless_id
  role_definition_name = "Key Vault Crypto User"
  principal_id         = azurerm_user_assigned_identity.clusters_eastus.principal_id
  principal_type       = "ServicePrincipal"
  description          = "The clusters of this site: they encrypt what they keep by the key."
}

resource "azurerm_disk_encryption_set" "eastus" {
  location                  = "eastus"
  resource_group_name       = azurerm_resource_group.eastus.name
  tags                      = local.tags
  name                      = "active-active-disks-eastus"
  key_vault_key_id          = azurerm_key_vault_key.data__eastus.versionless_id
  auto_key_rotation_enabled = true
  encryption_type           = "EncryptionAtRestWithPlatformAndCustomerKeys"
  depends_on                = [azurerm_role_assignment.keys_eastus]

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.keys_eastus.id]
  }
}

resource "azurerm_user_assigned_identity" "clusters_westeurope" {
  location            = "westeurope"
  resource_group_name = azurerm_resource_group.westeurope.name
  tags                = local.tags
  name                = "active-active-clusters-westeurope"
}

resource "azurerm_role_assignment" "clusters_network_westeurope" {
  scope                = azurerm_virtual_network.westeurope.id
  role_definition_name = "Network Contributor"
  principal_id         = azurerm_user_assigned_identity.clusters_westeurope.principal_id
  principal_type       = "ServicePrincipal"
  description          = "The clusters of this site: they put machines and load balancers into its subnets."
}

resource "azurerm_role_assignment" "clusters_disks_westeurope" {
  scope                = azurerm_disk_encryption_set.westeurope.id
  role_definition_name = "Reader"
  principal_id         = azurerm_user_assigned_identity.clusters_westeurope.principal_id
  principal_type       = "ServicePrincipal"
  description          = "The clusters of this site: they look up the key of their disks."
}

resource "azurerm_role_assignment" "clusters_vault_westeurope" {
  scope                = azurerm_key_vault.data__westeurope.id
  role_definition_name = "Key Vault Contributor"
  principal_id         = azurerm_user_assigned_identity.clusters_westeurope.principal_id
  principal_type       = "ServicePrincipal"
  description          = "The clusters of this site: they join it, which is closed, to their API."
}

resource "azurerm_role_assignment" "clusters_key_westeurope" {
  scope                = azurerm_key_vault_key.data__westeurope.resource_versionless_id
  role_definition_name = "Key Vault Crypto User"
  principal_id         = azurerm_user_assigned_identity.clusters_westeurope.principal_id
  principal_type       = "ServicePrincipal"
  description          = "The clusters of this site: they encrypt what they keep by the key."
}

resource "azurerm_disk_encryption_set" "westeurope" {
  location                  = "westeurope"
  resource_group_name       = azurerm_resource_group.westeurope.name
  tags                      = local.tags
  name                      = "active-active-disks-westeurope"
  key_vault_key_id          = azurerm_key_vault_key.data__westeurope.versionless_id
  auto_key_rotation_enabled = true
  encryption_type           = "EncryptionAtRestWithPlatformAndCustomerKeys"
  depends_on                = [azurerm_role_assignment.keys_westeurope]

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.keys_westeurope.id]
  }
}

resource "azurerm_kubernetes_cluster" "azure_eastus" {
  location                            = "eastus"
  resource_group_name                 = azurerm_resource_group.eastus.name
  tags                                = local.tags
  name                                = "azure-eastus"
  kubernetes_version                  = "1.35"
  dns_prefix                          = "azure-eastus"
  sku_tier                            = "Standard"
  automatic_upgrade_channel           = "patch"
  node_os_upgrade_channel             = "SecurityPatch"
  private_cluster_enabled             = true
  private_cluster_public_fqdn_enabled = true
  private_dns_zone_id                 = "System"
  run_command_enabled                 = false
  local_account_disabled              = true
  role_based_access_control_enabled   = true
  oidc_issuer_enabled                 = true
  workload_identity_enabled           = true
  azure_policy_enabled                = true
  image_cleaner_enabled               = true
  image_cleaner_interval_hours        = 48
  disk_encryption_set_id              = azurerm_disk_encryption_set.eastus.id
  depends_on = [
    azurerm_role_assignment.clusters_disks_eastus,
    azurerm_role_assignment.clusters_key_eastus,
    azurerm_role_assignment.clusters_network_eastus,
    azurerm_role_assignment.clusters_vault_eastus,
    azurerm_subnet_nat_gateway_association.eastus,
  ]
  # checkov:skip=CKV_AZURE_6:The Kubernetes API has a private address alone, which takes no such ranges.
  # checkov:skip=CKV_AZURE_226:Disks are managed ones, so that they are encrypted by our key as well.

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.clusters_eastus.id]
  }

  default_node_pool {
    name                         = "system"
    type                         = "VirtualMachineScaleSets"
    auto_scaling_enabled         = true
    min_count                    = 3
    max_count                    = 3
    only_critical_addons_enabled = true
    temporary_name_for_rotation  = "spare"
    vm_size                      = "Standard_D4s_v5"
    zones                        = ["1", "2", "3"]
    vnet_subnet_id               = azurerm_subnet.machines_eastus.id
    max_pods                     = 64
    os_disk_size_gb              = 128
    os_disk_type                 = "Managed"
    host_encryption_enabled      = true
    node_labels = {
      "polycloud/pool" = "system"
      "polycloud/role" = "system"
    }
    tags = local.tags

    upgrade_settings {
      max_surge = "33%"
    }
  }

  node_provisioning_profile {
    mode = "Manual"
  }

  api_server_access_profile {
    virtual_network_integration_enabled = true
    subnet_id                           = azurerm_subnet.kubernetes_eastus.id
  }

  network_profile {
    network_plugin      = "azure"
    network_plugin_mode = "overlay"
    network_data_plane  = "cilium"
    network_policy      = "cilium"
    load_balancer_sku   = "standard"
    outbound_type       = "userAssignedNATGateway"
    pod_cidr            = "172.20.0.0/14"
    service_cidr        = "172.16.0.0/16"
    dns_service_ip      = "172.16.0.10"
  }

  azure_active_directory_role_based_access_control {
    tenant_id              = data.azurerm_client_config.this.tenant_id
    azure_rbac_enabled     = true
    admin_group_object_ids = var.kubernetes_admins
  }

  key_management_service {
    key_vault_key_id         = azurerm_key_vault_key.data__eastus.id
    key_vault_network_access = "Private"
  }

  key_vault_secrets_provider {
    secret_rotation_enabled = true
  }

  oms_agent {
    log_analytics_workspace_id      = azurerm_log_analytics_workspace.eastus.id
    msi_auth_for_monitoring_enabled = true
  }

  lifecycle {
    ignore_changes = [default_node_pool[0].node_count]
  }
}

resource "azurerm_kubernetes_cluster_node_pool" "azure_eastus__gpu" {
  name                    = "gpu"
  kubernetes_cluster_id   = azurerm_kubernetes_cluster.azure_eastus.id
  mode                    = "User"
  auto_scaling_enabled    = true
  min_count               = 0
  max_count               = 10
  vm_size                 = "Standard_NC4as_T4_v3"
  zones                   = lookup(var.accelerator_zones, "eastus", null)
  vnet_subnet_id          = azurerm_subnet.machines_eastus.id
  max_pods                = 64
  os_disk_size_gb         = 512
  os_disk_type            = "Managed"
  host_encryption_enabled = true
  node_labels = {
    "polycloud/pool"        = "gpu"
    "polycloud/role"        = "gpu"
    "polycloud/accelerator" = "T4"
  }
  tags        = local.tags
  gpu_driver  = "Install"
  node_taints = ["nvidia.com/gpu=present:NoSchedule"]

  upgrade_settings {
    max_surge = "33%"
  }

  lifecycle {
    ignore_changes = [node_count]
  }
}

resource "azurerm_kubernetes_cluster_node_pool" "azure_eastus__workload" {
  name                    = "workload"
  kubernetes_cluster_id   = azurerm_kubernetes_cluster.azure_eastus.id
  mode                    = "User"
  auto_scaling_enabled    = true
  min_count               = 5
  max_count               = 50
  vm_size                 = "Standard_D8s_v5"
  zones                   = ["1", "2", "3"]
  vnet_subnet_id          = azurerm_subnet.machines_eastus.id
  max_pods                = 64
  os_disk_size_gb         = 128
  os_disk_type            = "Managed"
  host_encryption_enabled = true
  node_labels = {
    "polycloud/pool" = "workload"
    "polycloud/role" = "workload"
  }
  tags = local.tags

  upgrade_settings {
    max_surge = "33%"
  }

  lifecycle {
    ignore_changes = [node_count]
  }
}

resource "azurerm_monitor_diagnostic_setting" "cluster_azure_eastus" {
  name                           = "polycloud"
  target_resource_id             = azurerm_kubernetes_cluster.azure_eastus.id
  log_analytics_workspace_id     = azurerm_log_analytics_workspace.eastus.id
  log_analytics_destination_type = "Dedicated"

  enabled_log {
    category = "cloud-controller-manager"
  }

  enabled_log {
    category = "guard"
  }

  enabled_log {
    category = "kube-apiserver"
  }

  enabled_log {
    category = "kube-audit-admin"
  }

  enabled_log {
    category = "kube-controller-manager"
  }
}

resource "azurerm_kubernetes_cluster" "azure_westeurope" {
  location                            = "westeurope"
  resource_group_name                 = azurerm_resource_group.westeurope.name
  tags                                = local.tags
  name                                = "azure-westeurope"
  kubernetes_version                  = "1.35"
  dns_prefix                          = "azure-westeurope"
  sku_tier                            = "Standard"
  automatic_upgrade_channel           = "patch"
  node_os_upgrade_channel             = "SecurityPatch"
  private_cluster_enabled             = true
  private_cluster_public_fqdn_enabled = true
  private_dns_zone_id                 = "System"
  run_command_enabled                 = false
  local_account_disabled              = true
  role_based_access_control_enabled   = true
  oidc_issuer_enabled                 = true
  workload_identity_enabled           = true
  azure_policy_enabled                = true
  image_cleaner_enabled               = true
  image_cleaner_interval_hours        = 48
  disk_encryption_set_id              = azurerm_disk_encryption_set.westeurope.id
  depends_on = [
    azurerm_role_assignment.clusters_disks_westeurope,
    azurerm_role_assignment.clusters_key_westeurope,
    azurerm_role_assignment.clusters_network_westeurope,
    azurerm_role_assignment.clusters_vault_westeurope,
    azurerm_subnet_nat_gateway_association.westeurope,
  ]
  # checkov:skip=CKV_AZURE_6:The Kubernetes API has a private address alone, which takes no such ranges.
  # checkov:skip=CKV_AZURE_226:Disks are managed ones, so that they are encrypted by our key as well.

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.clusters_westeurope.id]
  }

  default_node_pool {
    name                         = "system"
    type                         = "VirtualMachineScaleSets"
    auto_scaling_enabled         = true
    min_count                    = 3
    max_count                    = 3
    only_critical_addons_enabled = true
    temporary_name_for_rotation  = "spare"
    vm_size                      = "Standard_D4s_v5"
    zones                        = ["1", "2", "3"]
    vnet_subnet_id               = azurerm_subnet.machines_westeurope.id
    max_pods                     = 64
    os_disk_size_gb              = 128
    os_disk_type                 = "Managed"
    host_encryption_enabled      = true
    node_labels = {
      "polycloud/pool" = "system"
      "polycloud/role" = "system"
    }
    tags = local.tags

    upgrade_settings {
      max_surge = "33%"
    }
  }

  node_provisioning_profile {
    mode = "Manual"
  }

  api_server_access_profile {
    virtual_network_integration_enabled = true
    subnet_id                           = azurerm_subnet.kubernetes_westeurope.id
  }

  network_profile {
    network_plugin      = "azure"
    network_plugin_mode = "overlay"
    network_data_plane  = "cilium"
    network_policy      = "cilium"
    load_balancer_sku   = "standard"
    outbound_type       = "userAssignedNATGateway"
    pod_cidr            = "172.20.0.0/14"
    service_cidr        = "172.16.0.0/16"
    dns_service_ip      = "172.16.0.10"
  }

  azure_active_directory_role_based_access_control {
    tenant_id              = data.azurerm_client_config.this.tenant_id
    azure_rbac_enabled     = true
    admin_group_object_ids = var.kubernetes_admins
  }

  key_management_service {
    key_vault_key_id         = azurerm_key_vault_key.data__westeurope.id
    key_vault_network_access = "Private"
  }

  key_vault_secrets_provider {
    secret_rotation_enabled = true
  }

  oms_agent {
    log_analytics_workspace_id      = azurerm_log_analytics_workspace.westeurope.id
    msi_auth_for_monitoring_enabled = true
  }

  lifecycle {
    ignore_changes = [default_node_pool[0].node_count]
  }
}

resource "azurerm_kubernetes_cluster_node_pool" "azure_westeurope__gpu" {
  name                    = "gpu"
  kubernetes_cluster_id   = azurerm_kubernetes_cluster.azure_westeurope.id
  mode                    = "User"
  auto_scaling_enabled    = true
  min_count               = 0
  max_count               = 10
  vm_size                 = "Standard_NC4as_T4_v3"
  zones                   = lookup(var.accelerator_zones, "westeurope", null)
  vnet_subnet_id          = azurerm_subnet.machines_westeurope.id
  max_pods                = 64
  os_disk_size_gb         = 512
  os_disk_type            = "Managed"
  host_encryption_enabled = true
  node_labels = {
    "polycloud/pool"        = "gpu"
    "polycloud/role"        = "gpu"
    "polycloud/accelerator" = "T4"
  }
  tags        = local.tags
  gpu_driver  = "Install"
  node_taints = ["nvidia.com/gpu=present:NoSchedule"]

  upgrade_settings {
    max_surge = "33%"
  }

  lifecycle {
    ignore_changes = [node_count]
  }
}

resource "azurerm_kubernetes_cluster_node_pool" "azure_westeurope__workload" {
  name                    = "workload"
  kubernetes_cluster_id   = azurerm_kubernetes_cluster.azure_westeurope.id
  mode                    = "User"
  auto_scaling_enabled    = true
  min_count               = 5
  max_count               = 50
  vm_size                 = "Standard_D8s_v5"
  zones                   = ["1", "2", "3"]
  vnet_subnet_id          = azurerm_subnet.machines_westeurope.id
  max_pods                = 64
  os_disk_size_gb         = 128
  os_disk_type            = "Managed"
  host_encryption_enabled = true
  node_labels = {
    "polycloud/pool" = "workload"
    "polycloud/role" = "workload"
  }
  tags = local.tags

  upgrade_settings {
    max_surge = "33%"
  }

  lifecycle {
    ignore_changes = [node_count]
  }
}

resource "azurerm_monitor_diagnostic_setting" "cluster_azure_westeurope" {
  name                           = "polycloud"
  target_resource_id             = azurerm_kubernetes_cluster.azure_westeurope.id
  log_analytics_workspace_id     = azurerm_log_analytics_workspace.westeurope.id
  log_analytics_destination_type = "Dedicated"

  enabled_log {
    category = "cloud-controller-manager"
  }

  enabled_log {
    category = "guard"
  }

  enabled_log {
    category = "kube-apiserver"
  }

  enabled_log {
    category = "kube-audit-admin"
  }

  enabled_log {
    category = "kube-controller-manager"
  }
}
