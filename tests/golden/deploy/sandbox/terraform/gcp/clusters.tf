# Clusters at Google Cloud, with their pools of machines.
# From the estate sandbox: clusters.
# Written by polycloud render: change the estate, not this file.

resource "google_service_account" "nodes" {
  account_id   = "sandbox-nodes"
  display_name = "The clusters' machines"
}

resource "google_project_iam_member" "nodes_reader" {
  project = var.project
  role    = "roles/artifactregistry.reader"
  member  = google_service_account.nodes.member
  # On the project: logs and metrics have no narrower place, nor is it told whose images are run.
}

resource "google_project_iam_member" "nodes_defaultNodeServiceAccount" {
  project = var.project
  role    = "roles/container.defaultNodeServiceAccount"
  member  = google_service_account.nodes.member
  # On the project: logs and metrics have no narrower place, nor is it told whose images are run.
}

resource "google_container_cluster" "gcp_europe_west1" {
  name                        = "gcp-europe-west1"
  location                    = "europe-west1"
  min_master_version          = "1.35"
  deletion_protection         = true
  remove_default_node_pool    = true
  initial_node_count          = 1
  network                     = google_compute_network.this.id
  subnetwork                  = google_compute_subnetwork.europe_west1.id
  networking_mode             = "VPC_NATIVE"
  default_max_pods_per_node   = 64
  datapath_provider           = "ADVANCED_DATAPATH"
  enable_intranode_visibility = true
  enable_shielded_nodes       = true
  resource_labels = {
    cluster = "gcp-europe-west1"
  }
  depends_on = [
    google_kms_crypto_key_iam_member.clusters_data__europe_west1,
    google_kms_crypto_key_iam_member.disks_data__europe_west1,
  ]
  # checkov:skip=CKV_GCP_12:The data path (Dataplane V2) enforces network policies by itself.
  # checkov:skip=CKV_GCP_65:People sign in by workforce identity, see identity.tf, not by Google groups.
  # checkov:skip=CKV_GCP_69:The default pool is removed; each pool hides the machine's own account.

  node_config {
    service_account = google_service_account.nodes.email

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = length(var.kubernetes_api_cidrs) == 0

    master_global_access_config {
      enabled = true
    }
  }

  master_authorized_networks_config {
    cidr_blocks {
      cidr_block = "10.21.0.0/16"
    }

    dynamic "cidr_blocks" {
      for_each = var.kubernetes_api_cidrs

      content {
        cidr_block = cidr_blocks.value
      }
    }
  }

  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }

  database_encryption {
    state    = "ENCRYPTED"
    key_name = google_kms_crypto_key.data__europe_west1.id
  }

  binary_authorization {
    evaluation_mode = "PROJECT_SINGLETON_POLICY_ENFORCE"
  }

  security_posture_config {
    mode               = "BASIC"
    vulnerability_mode = "VULNERABILITY_DISABLED"
  }

  secret_manager_config {
    enabled = true
  }

  logging_config {
    enable_components = ["APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "SYSTEM_COMPONENTS", "WORKLOADS"]
  }

  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS"]

    managed_prometheus {
      enabled = true
    }
  }

  cost_management_config {
    enabled = true
  }

  release_channel {
    channel = "REGULAR"
  }

  gateway_api_config {
    channel = "CHANNEL_STANDARD"
  }

  vertical_pod_autoscaling {
    enabled = true
  }

  lifecycle {
    ignore_changes = [node_config]
  }
}

resource "google_container_node_pool" "gcp_europe_west1__gpu" {
  name               = "gpu"
  cluster            = google_container_cluster.gcp_europe_west1.id
  location           = "europe-west1"
  node_locations     = lookup(var.accelerator_zones, "europe-west1", null)
  initial_node_count = 0
  depends_on = [
    google_container_node_pool.gcp_europe_west1__system,
    google_container_node_pool.gcp_europe_west1__workload,
  ]

  autoscaling {
    total_min_node_count = 0
    total_max_node_count = 10
    location_policy      = "ANY"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  upgrade_settings {
    max_surge       = 1
    max_unavailable = 0
  }

  node_config {
    machine_type      = "g2-standard-4"
    spot              = false
    image_type        = "COS_CONTAINERD"
    disk_type         = "pd-balanced"
    disk_size_gb      = 300
    boot_disk_kms_key = google_kms_crypto_key.data__europe_west1.id
    service_account   = google_service_account.nodes.email
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    labels = {
      "polycloud/pool"        = "gpu"
      "polycloud/role"        = "gpu"
      "polycloud/accelerator" = "L4"
    }
    metadata = {
      disable-legacy-endpoints = "true"
    }

    guest_accelerator {
      type  = "nvidia-l4"
      count = 1

      gpu_driver_installation_config {
        gpu_driver_version = "DEFAULT"
      }
    }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}

resource "google_container_node_pool" "gcp_europe_west1__system" {
  name               = "system"
  cluster            = google_container_cluster.gcp_europe_west1.id
  location           = "europe-west1"
  initial_node_count = 1

  autoscaling {
    total_min_node_count = 3
    total_max_node_count = 3
    location_policy      = "BALANCED"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  upgrade_settings {
    max_surge       = 1
    max_unavailable = 0
  }

  node_config {
    machine_type      = "n2-standard-4"
    spot              = false
    image_type        = "COS_CONTAINERD"
    disk_type         = "pd-balanced"
    disk_size_gb      = 100
    boot_disk_kms_key = google_kms_crypto_key.data__europe_west1.id
    service_account   = google_service_account.nodes.email
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    labels = {
      "polycloud/pool" = "system"
      "polycloud/role" = "system"
    }
    metadata = {
      disable-legacy-endpoints = "true"
    }

    taint {
      key    = "CriticalAddonsOnly"
      value  = "true"
      effect = "NO_SCHEDULE"
    }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}

resource "google_container_node_pool" "gcp_europe_west1__workload" {
  name               = "workload"
  cluster            = google_container_cluster.gcp_europe_west1.id
  location           = "europe-west1"
  initial_node_count = 2

  autoscaling {
    total_min_node_count = 5
    total_max_node_count = 50
    location_policy      = "BALANCED"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  upgrade_settings {
    max_surge       = 1
    max_unavailable = 0
  }

  node_config {
    machine_type      = "n2-standard-8"
    spot              = false
    image_type        = "COS_CONTAINERD"
    disk_type         = "pd-balanced"
    disk_size_gb      = 100
    boot_disk_kms_key = google_kms_crypto_key.data__europe_west1.id
    service_account   = google_service_account.nodes.email
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    labels = {
      "polycloud/pool" = "workload"
      "polycloud/role" = "workload"
    }
    metadata = {
      disable-legacy-endpoints = "true"
    }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}

resource "google_container_cluster" "gcp_us_central1" {
  name                        = "gcp-us-central1"
  location                    = "us-central1"
  min_master_version          = "1.35"
  deletion_protection         = true
  remove_default_node_pool    = true
  initial_node_count          = 1
  network                     = google_compute_network.this.id
  subnetwork                  = google_compute_subnetwork.us_central1.id
  networking_mode             = "VPC_NATIVE"
  default_max_pods_per_node   = 64
  datapath_provider           = "ADVANCED_DATAPATH"
  enable_intranode_visibility = true
  enable_shielded_nodes       = true
  resource_labels = {
    cluster = "gcp-us-central1"
  }
  depends_on = [
    google_kms_crypto_key_iam_member.clusters_data__us_central1,
    google_kms_crypto_key_iam_member.disks_data__us_central1,
  ]
  # checkov:skip=CKV_GCP_12:The data path (Dataplane V2) enforces network policies by itself.
  # checkov:skip=CKV_GCP_65:People sign in by workforce identity, see identity.tf, not by Google groups.
  # checkov:skip=CKV_GCP_69:The default pool is removed; each pool hides the machine's own account.

  node_config {
    service_account = google_service_account.nodes.email

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = length(var.kubernetes_api_cidrs) == 0

    master_global_access_config {
      enabled = true
    }
  }

  master_authorized_networks_config {
    cidr_blocks {
      cidr_block = "10.20.0.0/16"
    }

    dynamic "cidr_blocks" {
      for_each = var.kubernetes_api_cidrs

      content {
        cidr_block = cidr_blocks.value
      }
    }
  }

  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  workload_identity_config {
    workload_pool = "${var.project}.svc.id.goog"
  }

  database_encryption {
    state    = "ENCRYPTED"
    key_name = google_kms_crypto_key.data__us_central1.id
  }

  binary_authorization {
    evaluation_mode = "PROJECT_SINGLETON_POLICY_ENFORCE"
  }

  security_posture_config {
    mode               = "BASIC"
    vulnerability_mode = "VULNERABILITY_DISABLED"
  }

  secret_manager_config {
    enabled = true
  }

  logging_config {
    enable_components = ["APISERVER", "CONTROLLER_MANAGER", "SCHEDULER", "SYSTEM_COMPONENTS", "WORKLOADS"]
  }

  monitoring_config {
    enable_components = ["SYSTEM_COMPONENTS"]

    managed_prometheus {
      enabled = true
    }
  }

  cost_management_config {
    enabled = true
  }

  release_channel {
    channel = "REGULAR"
  }

  gateway_api_config {
    channel = "CHANNEL_STANDARD"
  }

  vertical_pod_autoscaling {
    enabled = true
  }

  lifecycle {
    ignore_changes = [node_config]
  }
}

resource "google_container_node_pool" "gcp_us_central1__gpu" {
  name               = "gpu"
  cluster            = google_container_cluster.gcp_us_central1.id
  location           = "us-central1"
  node_locations     = lookup(var.accelerator_zones, "us-central1", null)
  initial_node_count = 0
  depends_on = [
    google_container_node_pool.gcp_us_central1__system,
    google_container_node_pool.gcp_us_central1__workload,
  ]

  autoscaling {
    total_min_node_count = 0
    total_max_node_count = 10
    location_policy      = "ANY"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  upgrade_settings {
    max_surge       = 1
    max_unavailable = 0
  }

  node_config {
    machine_type      = "g2-standard-4"
    spot              = false
    image_type        = "COS_CONTAINERD"
    disk_type         = "pd-balanced"
    disk_size_gb      = 300
    boot_disk_kms_key = google_kms_crypto_key.data__us_central1.id
    service_account   = google_service_account.nodes.email
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    labels = {
      "polycloud/pool"        = "gpu"
      "polycloud/role"        = "gpu"
      "polycloud/accelerator" = "L4"
    }
    metadata = {
      disable-legacy-endpoints = "true"
    }

    guest_accelerator {
      type  = "nvidia-l4"
      count = 1

      gpu_driver_installation_config {
        gpu_driver_version = "DEFAULT"
      }
    }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}

resource "google_container_node_pool" "gcp_us_central1__system" {
  name               = "system"
  cluster            = google_container_cluster.gcp_us_central1.id
  location           = "us-central1"
  initial_node_count = 1

  autoscaling {
    total_min_node_count = 3
    total_max_node_count = 3
    location_policy      = "BALANCED"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  upgrade_settings {
    max_surge       = 1
    max_unavailable = 0
  }

  node_config {
    machine_type      = "n2-standard-4"
    spot              = false
    image_type        = "COS_CONTAINERD"
    disk_type         = "pd-balanced"
    disk_size_gb      = 100
    boot_disk_kms_key = google_kms_crypto_key.data__us_central1.id
    service_account   = google_service_account.nodes.email
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    labels = {
      "polycloud/pool" = "system"
      "polycloud/role" = "system"
    }
    metadata = {
      disable-legacy-endpoints = "true"
    }

    taint {
      key    = "CriticalAddonsOnly"
      value  = "true"
      effect = "NO_SCHEDULE"
    }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}

resource "google_container_node_pool" "gcp_us_central1__workload" {
  name               = "workload"
  cluster            = google_container_cluster.gcp_us_central1.id
  location           = "us-central1"
  initial_node_count = 2

  autoscaling {
    total_min_node_count = 5
    total_max_node_count = 50
    location_policy      = "BALANCED"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  upgrade_settings {
    max_surge       = 1
    max_unavailable = 0
  }

  node_config {
    machine_type      = "n2-standard-8"
    spot              = false
    image_type        = "COS_CONTAINERD"
    disk_type         = "pd-balanced"
    disk_size_gb      = 100
    boot_disk_kms_key = google_kms_crypto_key.data__us_central1.id
    service_account   = google_service_account.nodes.email
    oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
    labels = {
      "polycloud/pool" = "workload"
      "polycloud/role" = "workload"
    }
    metadata = {
      disable-legacy-endpoints = "true"
    }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }
  }

  lifecycle {
    ignore_changes = [initial_node_count]
  }
}
