# The provider: the project, and the labels of everything.
# From the estate active-active: clouds.gcp.
# Written by polycloud render: change the estate, not this file.

provider "google" {
  project = var.project
  region  = "asia-east1"
  default_labels = {
    managed-by  = "polycloud"
    estate      = "active-active"
    environment = "production"
  }
}

data "google_project" "this" {}

data "google_storage_project_service_account" "this" {}

resource "google_project_service" "this" {
  for_each = toset([
    "aiplatform.googleapis.com",
    "binaryauthorization.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudtrace.googleapis.com",
    "compute.googleapis.com",
    "container.googleapis.com",
    "containersecurity.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
  ])
  service            = each.value
  disable_on_destroy = false
}
