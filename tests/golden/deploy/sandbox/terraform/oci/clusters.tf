# Clusters at Oracle Cloud, with their pools of machines and what scales them.
# From the estate sandbox: clusters.
# Written by polycloud render: change the estate, not this file.

locals {
  patches = {
    "1.35" = "v1.35.2"
  }
}

locals {
  kubernetes = merge(local.patches, var.kubernetes_patches)
}

data "oci_identity_availability_domains" "eu_frankfurt_1" {
  provider       = oci.eu_frankfurt_1
  compartment_id = var.compartment
}

data "oci_containerengine_node_pool_option" "eu_frankfurt_1" {
  provider            = oci.eu_frankfurt_1
  compartment_id      = var.compartment
  node_pool_option_id = "all"
}

locals {
  images_eu_frankfurt_1 = { for one in data.oci_containerengine_node_pool_option.eu_frankfurt_1.sources : one.source_name => one.image_id }
}

data "oci_identity_availability_domains" "us_chicago_1" {
  provider       = oci.us_chicago_1
  compartment_id = var.compartment
}

data "oci_containerengine_node_pool_option" "us_chicago_1" {
  provider            = oci.us_chicago_1
  compartment_id      = var.compartment
  node_pool_option_id = "all"
}

locals {
  images_us_chicago_1 = { for one in data.oci_containerengine_node_pool_option.us_chicago_1.sources : one.source_name => one.image_id }
}

resource "oci_containerengine_cluster" "oci_eu_frankfurt_1" {
  provider           = oci.eu_frankfurt_1
  compartment_id     = var.compartment
  freeform_tags      = local.tags
  name               = "oci-eu-frankfurt-1"
  kubernetes_version = local.kubernetes["1.35"]
  type               = "ENHANCED_CLUSTER"
  vcn_id             = oci_core_vcn.eu_frankfurt_1.id
  kms_key_id         = oci_kms_key.data__eu_frankfurt_1.id
  depends_on         = [oci_identity_policy.keys_eu_frankfurt_1]
  # checkov:skip=CKV2_OCI_6:Kubernetes has no pod security policies since 1.25; namespaces have standards.

  cluster_pod_network_options {
    cni_type = "OCI_VCN_IP_NATIVE"
  }

  endpoint_config {
    is_public_ip_enabled = false
    subnet_id            = oci_core_subnet.kubernetes_eu_frankfurt_1.id
    nsg_ids              = [oci_core_network_security_group.inside_eu_frankfurt_1.id]
  }

  options {
    service_lb_subnet_ids = [oci_core_subnet.public_eu_frankfurt_1.id]

    kubernetes_network_config {
      services_cidr = "172.16.0.0/16"
    }

    open_id_connect_discovery {
      is_open_id_connect_discovery_enabled = true
    }

    add_ons {
      is_kubernetes_dashboard_enabled = false
      is_tiller_enabled               = false
    }

    persistent_volume_config {
      freeform_tags = local.tags
    }
  }
}

resource "oci_containerengine_node_pool" "oci_eu_frankfurt_1__gpu" {
  provider           = oci.eu_frankfurt_1
  compartment_id     = var.compartment
  freeform_tags      = local.tags
  name               = "gpu"
  cluster_id         = oci_containerengine_cluster.oci_eu_frankfurt_1.id
  kubernetes_version = local.kubernetes["1.35"]
  node_shape         = "VM.GPU.A10.1"
  node_metadata = {
    user_data = base64encode("#!/bin/bash\ncurl --fail -H \"Authorization: Bearer Oracle\" -L0 http://169.254.169.254/opc/v2/instance/metadata/oke_init_script | base64 --decode >/var/run/oke-init.sh\nbash /var/run/oke-init.sh --kubelet-extra-args \"--register-with-taints=nvidia.com/gpu=present:NoSchedule\"\n")
  }

  node_source_details {
    source_type             = "IMAGE"
    image_id                = try(var.machine_images["oci-eu-frankfurt-1/gpu"], local.images_eu_frankfurt_1[reverse(sort([for name in keys(local.images_eu_frankfurt_1) : name if strcontains(name, "-OKE-${trimprefix(local.kubernetes["1.35"], "v")}-") && strcontains(name, "-Gen2-GPU-") && !strcontains(name, "-aarch64-")]))[0]], "name an image in var.machine_images: none fits")
    boot_volume_size_in_gbs = "300"
  }

  node_config_details {
    size                                = 0
    kms_key_id                          = oci_kms_key.data__eu_frankfurt_1.id
    is_pv_encryption_in_transit_enabled = true
    nsg_ids                             = [oci_core_network_security_group.inside_eu_frankfurt_1.id]

    dynamic "placement_configs" {
      for_each = data.oci_identity_availability_domains.eu_frankfurt_1.availability_domains[*].name

      content {
        availability_domain = placement_configs.value
        subnet_id           = oci_core_subnet.machines_eu_frankfurt_1.id
      }
    }

    node_pool_pod_network_option_details {
      cni_type          = "OCI_VCN_IP_NATIVE"
      max_pods_per_node = 31
      pod_subnet_ids    = [oci_core_subnet.pods_eu_frankfurt_1.id]
      pod_nsg_ids       = [oci_core_network_security_group.inside_eu_frankfurt_1.id]
    }
  }

  initial_node_labels {
    key   = "polycloud/pool"
    value = "gpu"
  }

  initial_node_labels {
    key   = "polycloud/role"
    value = "gpu"
  }

  initial_node_labels {
    key   = "polycloud/accelerator"
    value = "A10"
  }

  node_eviction_node_pool_settings {
    eviction_grace_duration              = "PT30M"
    is_force_delete_after_grace_duration = true
  }

  lifecycle {
    ignore_changes = [node_config_details[0].size]
  }
}

resource "oci_containerengine_node_pool" "oci_eu_frankfurt_1__system" {
  provider           = oci.eu_frankfurt_1
  compartment_id     = var.compartment
  freeform_tags      = local.tags
  name               = "system"
  cluster_id         = oci_containerengine_cluster.oci_eu_frankfurt_1.id
  kubernetes_version = local.kubernetes["1.35"]
  node_shape         = "VM.Standard.E5.Flex"
  node_metadata = {
    user_data = base64encode("#!/bin/bash\ncurl --fail -H \"Authorization: Bearer Oracle\" -L0 http://169.254.169.254/opc/v2/instance/metadata/oke_init_script | base64 --decode >/var/run/oke-init.sh\nbash /var/run/oke-init.sh --kubelet-extra-args \"--register-with-taints=CriticalAddonsOnly=true:NoSchedule\"\n")
  }

  node_shape_config {
    ocpus         = 2
    memory_in_gbs = 16
  }

  node_source_details {
    source_type             = "IMAGE"
    image_id                = try(var.machine_images["oci-eu-frankfurt-1/system"], local.images_eu_frankfurt_1[reverse(sort([for name in keys(local.images_eu_frankfurt_1) : name if strcontains(name, "-OKE-${trimprefix(local.kubernetes["1.35"], "v")}-") && !strcontains(name, "-Gen2-GPU-") && !strcontains(name, "-aarch64-")]))[0]], "name an image in var.machine_images: none fits")
    boot_volume_size_in_gbs = "100"
  }

  node_config_details {
    size                                = 3
    kms_key_id                          = oci_kms_key.data__eu_frankfurt_1.id
    is_pv_encryption_in_transit_enabled = true
    nsg_ids                             = [oci_core_network_security_group.inside_eu_frankfurt_1.id]

    dynamic "placement_configs" {
      for_each = data.oci_identity_availability_domains.eu_frankfurt_1.availability_domains[*].name

      content {
        availability_domain = placement_configs.value
        subnet_id           = oci_core_subnet.machines_eu_frankfurt_1.id
      }
    }

    node_pool_pod_network_option_details {
      cni_type          = "OCI_VCN_IP_NATIVE"
      max_pods_per_node = 31
      pod_subnet_ids    = [oci_core_subnet.pods_eu_frankfurt_1.id]
      pod_nsg_ids       = [oci_core_network_security_group.inside_eu_frankfurt_1.id]
    }
  }

  initial_node_labels {
    key   = "polycloud/pool"
    value = "system"
  }

  initial_node_labels {
    key   = "polycloud/role"
    value = "system"
  }

  node_eviction_node_pool_settings {
    eviction_grace_duration              = "PT30M"
    is_force_delete_after_grace_duration = true
  }

  lifecycle {
    ignore_changes = [node_config_details[0].size]
  }
}

resource "oci_containerengine_node_pool" "oci_eu_frankfurt_1__workload" {
  provider           = oci.eu_frankfurt_1
  compartment_id     = var.compartment
  freeform_tags      = local.tags
  name               = "workload"
  cluster_id         = oci_containerengine_cluster.oci_eu_frankfurt_1.id
  kubernetes_version = local.kubernetes["1.35"]
  node_shape         = "VM.Standard.E5.Flex"

  node_shape_config {
    ocpus         = 4
    memory_in_gbs = 32
  }

  node_source_details {
    source_type             = "IMAGE"
    image_id                = try(var.machine_images["oci-eu-frankfurt-1/workload"], local.images_eu_frankfurt_1[reverse(sort([for name in keys(local.images_eu_frankfurt_1) : name if strcontains(name, "-OKE-${trimprefix(local.kubernetes["1.35"], "v")}-") && !strcontains(name, "-Gen2-GPU-") && !strcontains(name, "-aarch64-")]))[0]], "name an image in var.machine_images: none fits")
    boot_volume_size_in_gbs = "100"
  }

  node_config_details {
    size                                = 5
    kms_key_id                          = oci_kms_key.data__eu_frankfurt_1.id
    is_pv_encryption_in_transit_enabled = true
    nsg_ids                             = [oci_core_network_security_group.inside_eu_frankfurt_1.id]

    dynamic "placement_configs" {
      for_each = data.oci_identity_availability_domains.eu_frankfurt_1.availability_domains[*].name

      content {
        availability_domain = placement_configs.value
        subnet_id           = oci_core_subnet.machines_eu_frankfurt_1.id
      }
    }

    node_pool_pod_network_option_details {
      cni_type          = "OCI_VCN_IP_NATIVE"
      max_pods_per_node = 31
      pod_subnet_ids    = [oci_core_subnet.pods_eu_frankfurt_1.id]
      pod_nsg_ids       = [oci_core_network_security_group.inside_eu_frankfurt_1.id]
    }
  }

  initial_node_labels {
    key   = "polycloud/pool"
    value = "workload"
  }

  initial_node_labels {
    key   = "polycloud/role"
    value = "workload"
  }

  node_eviction_node_pool_settings {
    eviction_grace_duration              = "PT30M"
    is_force_delete_after_grace_duration = true
  }

  lifecycle {
    ignore_changes = [node_config_details[0].size]
  }
}

resource "oci_identity_policy" "autoscaler_oci_eu_frankfurt_1" {
  compartment_id = var.compartment
  name           = "sandbox-oci-eu-frankfurt-1-autoscaler"
  description    = "What scales the cluster's pools."
  statements = [
    "Allow any-user to manage cluster-node-pools in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_eu_frankfurt_1.id}'}",
    "Allow any-user to manage instance-family in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_eu_frankfurt_1.id}'}",
    "Allow any-user to use subnets in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_eu_frankfurt_1.id}'}",
    "Allow any-user to read virtual-network-family in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_eu_frankfurt_1.id}'}",
    "Allow any-user to use vnics in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_eu_frankfurt_1.id}'}",
    "Allow any-user to inspect compartments in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_eu_frankfurt_1.id}'}",
  ]
}

resource "oci_containerengine_addon" "autoscaler_oci_eu_frankfurt_1" {
  provider                         = oci.eu_frankfurt_1
  addon_name                       = "ClusterAutoscaler"
  cluster_id                       = oci_containerengine_cluster.oci_eu_frankfurt_1.id
  remove_addon_resources_on_delete = true
  depends_on                       = [oci_identity_policy.autoscaler_oci_eu_frankfurt_1]

  configurations {
    key   = "authType"
    value = "workload"
  }

  configurations {
    key   = "nodes"
    value = "0:10:${oci_containerengine_node_pool.oci_eu_frankfurt_1__gpu.id},3:3:${oci_containerengine_node_pool.oci_eu_frankfurt_1__system.id},5:50:${oci_containerengine_node_pool.oci_eu_frankfurt_1__workload.id}"
  }
}

resource "oci_containerengine_cluster" "oci_us_chicago_1" {
  provider           = oci.us_chicago_1
  compartment_id     = var.compartment
  freeform_tags      = local.tags
  name               = "oci-us-chicago-1"
  kubernetes_version = local.kubernetes["1.35"]
  type               = "ENHANCED_CLUSTER"
  vcn_id             = oci_core_vcn.us_chicago_1.id
  kms_key_id         = oci_kms_key.data__us_chicago_1.id
  depends_on         = [oci_identity_policy.keys_us_chicago_1]
  # checkov:skip=CKV2_OCI_6:Kubernetes has no pod security policies since 1.25; namespaces have standards.

  cluster_pod_network_options {
    cni_type = "OCI_VCN_IP_NATIVE"
  }

  endpoint_config {
    is_public_ip_enabled = false
    subnet_id            = oci_core_subnet.kubernetes_us_chicago_1.id
    nsg_ids              = [oci_core_network_security_group.inside_us_chicago_1.id]
  }

  options {
    service_lb_subnet_ids = [oci_core_subnet.public_us_chicago_1.id]

    kubernetes_network_config {
      services_cidr = "172.16.0.0/16"
    }

    open_id_connect_discovery {
      is_open_id_connect_discovery_enabled = true
    }

    add_ons {
      is_kubernetes_dashboard_enabled = false
      is_tiller_enabled               = false
    }

    persistent_volume_config {
      freeform_tags = local.tags
    }
  }
}

resource "oci_containerengine_node_pool" "oci_us_chicago_1__gpu" {
  provider           = oci.us_chicago_1
  compartment_id     = var.compartment
  freeform_tags      = local.tags
  name               = "gpu"
  cluster_id         = oci_containerengine_cluster.oci_us_chicago_1.id
  kubernetes_version = local.kubernetes["1.35"]
  node_shape         = "VM.GPU.A10.1"
  node_metadata = {
    user_data = base64encode("#!/bin/bash\ncurl --fail -H \"Authorization: Bearer Oracle\" -L0 http://169.254.169.254/opc/v2/instance/metadata/oke_init_script | base64 --decode >/var/run/oke-init.sh\nbash /var/run/oke-init.sh --kubelet-extra-args \"--register-with-taints=nvidia.com/gpu=present:NoSchedule\"\n")
  }

  node_source_details {
    source_type             = "IMAGE"
    image_id                = try(var.machine_images["oci-us-chicago-1/gpu"], local.images_us_chicago_1[reverse(sort([for name in keys(local.images_us_chicago_1) : name if strcontains(name, "-OKE-${trimprefix(local.kubernetes["1.35"], "v")}-") && strcontains(name, "-Gen2-GPU-") && !strcontains(name, "-aarch64-")]))[0]], "name an image in var.machine_images: none fits")
    boot_volume_size_in_gbs = "300"
  }

  node_config_details {
    size                                = 0
    kms_key_id                          = oci_kms_key.data__us_chicago_1.id
    is_pv_encryption_in_transit_enabled = true
    nsg_ids                             = [oci_core_network_security_group.inside_us_chicago_1.id]

    dynamic "placement_configs" {
      for_each = data.oci_identity_availability_domains.us_chicago_1.availability_domains[*].name

      content {
        availability_domain = placement_configs.value
        subnet_id           = oci_core_subnet.machines_us_chicago_1.id
      }
    }

    node_pool_pod_network_option_details {
      cni_type          = "OCI_VCN_IP_NATIVE"
      max_pods_per_node = 31
      pod_subnet_ids    = [oci_core_subnet.pods_us_chicago_1.id]
      pod_nsg_ids       = [oci_core_network_security_group.inside_us_chicago_1.id]
    }
  }

  initial_node_labels {
    key   = "polycloud/pool"
    value = "gpu"
  }

  initial_node_labels {
    key   = "polycloud/role"
    value = "gpu"
  }

  initial_node_labels {
    key   = "polycloud/accelerator"
    value = "A10"
  }

  node_eviction_node_pool_settings {
    eviction_grace_duration              = "PT30M"
    is_force_delete_after_grace_duration = true
  }

  lifecycle {
    ignore_changes = [node_config_details[0].size]
  }
}

resource "oci_containerengine_node_pool" "oci_us_chicago_1__system" {
  provider           = oci.us_chicago_1
  compartment_id     = var.compartment
  freeform_tags      = local.tags
  name               = "system"
  cluster_id         = oci_containerengine_cluster.oci_us_chicago_1.id
  kubernetes_version = local.kubernetes["1.35"]
  node_shape         = "VM.Standard.E5.Flex"
  node_metadata = {
    user_data = base64encode("#!/bin/bash\ncurl --fail -H \"Authorization: Bearer Oracle\" -L0 http://169.254.169.254/opc/v2/instance/metadata/oke_init_script | base64 --decode >/var/run/oke-init.sh\nbash /var/run/oke-init.sh --kubelet-extra-args \"--register-with-taints=CriticalAddonsOnly=true:NoSchedule\"\n")
  }

  node_shape_config {
    ocpus         = 2
    memory_in_gbs = 16
  }

  node_source_details {
    source_type             = "IMAGE"
    image_id                = try(var.machine_images["oci-us-chicago-1/system"], local.images_us_chicago_1[reverse(sort([for name in keys(local.images_us_chicago_1) : name if strcontains(name, "-OKE-${trimprefix(local.kubernetes["1.35"], "v")}-") && !strcontains(name, "-Gen2-GPU-") && !strcontains(name, "-aarch64-")]))[0]], "name an image in var.machine_images: none fits")
    boot_volume_size_in_gbs = "100"
  }

  node_config_details {
    size                                = 3
    kms_key_id                          = oci_kms_key.data__us_chicago_1.id
    is_pv_encryption_in_transit_enabled = true
    nsg_ids                             = [oci_core_network_security_group.inside_us_chicago_1.id]

    dynamic "placement_configs" {
      for_each = data.oci_identity_availability_domains.us_chicago_1.availability_domains[*].name

      content {
        availability_domain = placement_configs.value
        subnet_id           = oci_core_subnet.machines_us_chicago_1.id
      }
    }

    node_pool_pod_network_option_details {
      cni_type          = "OCI_VCN_IP_NATIVE"
      max_pods_per_node = 31
      pod_subnet_ids    = [oci_core_subnet.pods_us_chicago_1.id]
      pod_nsg_ids       = [oci_core_network_security_group.inside_us_chicago_1.id]
    }
  }

  initial_node_labels {
    key   = "polycloud/pool"
    value = "system"
  }

  initial_node_labels {
    key   = "polycloud/role"
    value = "system"
  }

  node_eviction_node_pool_settings {
    eviction_grace_duration              = "PT30M"
    is_force_delete_after_grace_duration = true
  }

  lifecycle {
    ignore_changes = [node_config_details[0].size]
  }
}

resource "oci_containerengine_node_pool" "oci_us_chicago_1__workload" {
  provider           = oci.us_chicago_1
  compartment_id     = var.compartment
  freeform_tags      = local.tags
  name               = "workload"
  cluster_id         = oci_containerengine_cluster.oci_us_chicago_1.id
  kubernetes_version = local.kubernetes["1.35"]
  node_shape         = "VM.Standard.E5.Flex"

  node_shape_config {
    ocpus         = 4
    memory_in_gbs = 32
  }

  node_source_details {
    source_type             = "IMAGE"
    image_id                = try(var.machine_images["oci-us-chicago-1/workload"], local.images_us_chicago_1[reverse(sort([for name in keys(local.images_us_chicago_1) : name if strcontains(name, "-OKE-${trimprefix(local.kubernetes["1.35"], "v")}-") && !strcontains(name, "-Gen2-GPU-") && !strcontains(name, "-aarch64-")]))[0]], "name an image in var.machine_images: none fits")
    boot_volume_size_in_gbs = "100"
  }

  node_config_details {
    size                                = 5
    kms_key_id                          = oci_kms_key.data__us_chicago_1.id
    is_pv_encryption_in_transit_enabled = true
    nsg_ids                             = [oci_core_network_security_group.inside_us_chicago_1.id]

    dynamic "placement_configs" {
      for_each = data.oci_identity_availability_domains.us_chicago_1.availability_domains[*].name

      content {
        availability_domain = placement_configs.value
        subnet_id           = oci_core_subnet.machines_us_chicago_1.id
      }
    }

    node_pool_pod_network_option_details {
      cni_type          = "OCI_VCN_IP_NATIVE"
      max_pods_per_node = 31
      pod_subnet_ids    = [oci_core_subnet.pods_us_chicago_1.id]
      pod_nsg_ids       = [oci_core_network_security_group.inside_us_chicago_1.id]
    }
  }

  initial_node_labels {
    key   = "polycloud/pool"
    value = "workload"
  }

  initial_node_labels {
    key   = "polycloud/role"
    value = "workload"
  }

  node_eviction_node_pool_settings {
    eviction_grace_duration              = "PT30M"
    is_force_delete_after_grace_duration = true
  }

  lifecycle {
    ignore_changes = [node_config_details[0].size]
  }
}

resource "oci_identity_policy" "autoscaler_oci_us_chicago_1" {
  compartment_id = var.compartment
  name           = "sandbox-oci-us-chicago-1-autoscaler"
  description    = "What scales the cluster's pools."
  statements = [
    "Allow any-user to manage cluster-node-pools in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_us_chicago_1.id}'}",
    "Allow any-user to manage instance-family in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_us_chicago_1.id}'}",
    "Allow any-user to use subnets in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_us_chicago_1.id}'}",
    "Allow any-user to read virtual-network-family in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_us_chicago_1.id}'}",
    "Allow any-user to use vnics in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_us_chicago_1.id}'}",
    "Allow any-user to inspect compartments in compartment id ${var.compartment} where all {request.principal.type = 'workload', request.principal.namespace = 'kube-system', request.principal.service_account = 'cluster-autoscaler', request.principal.cluster_id = '${oci_containerengine_cluster.oci_us_chicago_1.id}'}",
  ]
}

resource "oci_containerengine_addon" "autoscaler_oci_us_chicago_1" {
  provider                         = oci.us_chicago_1
  addon_name                       = "ClusterAutoscaler"
  cluster_id                       = oci_containerengine_cluster.oci_us_chicago_1.id
  remove_addon_resources_on_delete = true
  depends_on                       = [oci_identity_policy.autoscaler_oci_us_chicago_1]

  configurations {
    key   = "authType"
    value = "workload"
  }

  configurations {
    key   = "nodes"
    value = "0:10:${oci_containerengine_node_pool.oci_us_chicago_1__gpu.id},3:3:${oci_containerengine_node_pool.oci_us_chicago_1__system.id},5:50:${oci_containerengine_node_pool.oci_us_chicago_1__workload.id}"
  }
}
