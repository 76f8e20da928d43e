# Roles and trusted token issuers at Google Cloud.
# From the estate active-active: roles, identity.
# Written by polycloud render: change the estate, not this file.

resource "google_iam_workload_identity_pool" "clusters" {
  project                   = var.project
  workload_identity_pool_id = "polycloud-clusters"
  display_name              = "Clusters of other clouds"
}

resource "google_iam_workload_identity_pool_provider" "clusters" {
  for_each                           = var.cluster_issuers
  project                            = var.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.clusters.workload_identity_pool_id
  workload_identity_pool_provider_id = "c-${substr(sha256(each.key), 0, 20)}"
  display_name                       = substr(each.key, 0, 32)
  attribute_mapping = {
    "google.subject" = "assertion.sub"
    "attribute.pod"  = "'${each.key}/' + assertion.sub"
  }
  attribute_condition = "assertion.sub.startsWith('system:serviceaccount:workloads:') || assertion.sub == 'system:serviceaccount:polycloud:polycloud'"

  oidc {
    issuer_uri = each.value
  }
}

resource "google_project_iam_custom_role" "role__analysts" {
  project     = var.project
  role_id     = "polycloud__analysts"
  title       = "polycloud analysts"
  permissions = ["aiplatform.endpoints.explain", "aiplatform.endpoints.predict"]
}

resource "google_project_iam_member" "analysts__group__analysts" {
  project = var.project
  role    = google_project_iam_custom_role.role__analysts.id
  member  = "principalSet://iam.googleapis.com/locations/global/workforcePools/${google_iam_workforce_pool.people.workforce_pool_id}/group/analysts"
  # On the project: models and clusters have no rights of their own, see identity/report.md.
}

resource "google_storage_bucket_iam_member" "analysts__group__analysts__read__clickstream_gcp_us_central1__clickstream" {
  bucket = google_storage_bucket.clickstream_gcp_us_central1.name
  role   = "roles/storage.objectViewer"
  member = "principalSet://iam.googleapis.com/locations/global/workforcePools/${google_iam_workforce_pool.people.workforce_pool_id}/group/analysts"
}

resource "google_project_iam_custom_role" "role__auditors" {
  project = var.project
  role_id = "polycloud__auditors"
  title   = "polycloud auditors"
  permissions = [
    "container.clusters.get",
    "container.clusters.list",
    "logging.logEntries.list",
    "logging.logs.list",
    "storage.buckets.get",
    "storage.buckets.list",
  ]
}

resource "google_project_iam_member" "auditors__group__audit" {
  project = var.project
  role    = google_project_iam_custom_role.role__auditors.id
  member  = "principalSet://iam.googleapis.com/locations/global/workforcePools/${google_iam_workforce_pool.people.workforce_pool_id}/group/audit"
  # On the project: models and clusters have no rights of their own, see identity/report.md.
}

resource "google_storage_bucket_iam_member" "keepers_eu__group__privacy__delete__profiles_eu_gcp_europe_west1__profiles_eu" {
  bucket = google_storage_bucket.profiles_eu_gcp_europe_west1.name
  role   = "roles/storage.objectUser"
  member = "principalSet://iam.googleapis.com/locations/global/workforcePools/${google_iam_workforce_pool.people.workforce_pool_id}/group/privacy"
}

resource "google_storage_bucket_iam_member" "keepers_eu__group__privacy__read__profiles_eu_gcp_europe_west1__profiles_eu" {
  bucket = google_storage_bucket.profiles_eu_gcp_europe_west1.name
  role   = "roles/storage.objectViewer"
  member = "principalSet://iam.googleapis.com/locations/global/workforcePools/${google_iam_workforce_pool.people.workforce_pool_id}/group/privacy"
}

resource "google_storage_bucket_iam_member" "keepers_eu__group__privacy__write__profiles_eu_gcp_europe_west1__profiles_eu" {
  bucket = google_storage_bucket.profiles_eu_gcp_europe_west1.name
  role   = "roles/storage.objectCreator"
  member = "principalSet://iam.googleapis.com/locations/global/workforcePools/${google_iam_workforce_pool.people.workforce_pool_id}/group/privacy"
}

resource "google_project_iam_custom_role" "role__operators" {
  project = var.project
  role_id = "polycloud__operators"
  title   = "polycloud operators"
  permissions = [
    "container.clusters.connect",
    "container.clusters.get",
    "container.clusters.update",
    "container.deployments.create",
    "container.deployments.update",
    "container.jobs.create",
    "container.jobs.get",
    "container.services.create",
    "container.services.update",
    "storage.buckets.get",
  ]
}

resource "google_project_iam_member" "operators__group__platform" {
  project = var.project
  role    = google_project_iam_custom_role.role__operators.id
  member  = "principalSet://iam.googleapis.com/locations/global/workforcePools/${google_iam_workforce_pool.people.workforce_pool_id}/group/platform"
  # On the project: models and clusters have no rights of their own, see identity/report.md.
}

resource "google_iam_workforce_pool" "people" {
  workforce_pool_id = var.workforce_pool
  parent            = "organizations/${var.organization}"
  location          = "global"
  display_name      = "People of active-active"
  session_duration  = "28800s"
}

resource "google_iam_workforce_pool_provider" "people" {
  workforce_pool_id = google_iam_workforce_pool.people.workforce_pool_id
  location          = "global"
  provider_id       = "people"
  display_name      = "People"
  attribute_mapping = {
    "google.subject"        = "assertion.sub"
    "attribute.email"       = "has(assertion.email) ? assertion.email : ''"
    "google.groups"         = "assertion.groups"
    "attribute.department"  = "has(assertion.department) ? assertion.department : ''"
    "attribute.cost_center" = "has(assertion.costCenter) ? assertion.costCenter : ''"
  }
  attribute_condition = "'mfa' in assertion.amr"

  oidc {
    issuer_uri = "https://northwind.okta.com"
    client_id  = var.sso_client_id

    web_sso_config {
      response_type             = "ID_TOKEN"
      assertion_claims_behavior = "ONLY_ID_TOKEN_CLAIMS"
      additional_scopes         = ["groups"]
    }
  }
}
