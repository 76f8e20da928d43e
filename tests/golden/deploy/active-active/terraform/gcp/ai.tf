# Models at Google Cloud (Vertex AI): who may call them, and endpoints of one's own.
# From the estate active-active: models.
# Written by polycloud render: change the estate, not this file.

resource "google_storage_bucket_iam_member" "gateway_objectUser__clickstream_gcp_us_central1" {
  bucket = google_storage_bucket.clickstream_gcp_us_central1.name
  role   = "roles/storage.objectUser"
  member = "principal://iam.googleapis.com/projects/${data.google_project.this.number}/locations/global/workloadIdentityPools/${var.project}.svc.id.goog/subject/ns/polycloud/sa/polycloud"

  condition {
    title      = "only copies"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.clickstream_gcp_us_central1.name}/objects/curated/clickstream/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.clickstream_gcp_us_central1.name}/objects/models/clickstream/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.clickstream_gcp_us_central1.name}/objects/processed/clickstream/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.clickstream_gcp_us_central1.name}/objects/raw/clickstream/\")"
  }
}

resource "google_storage_bucket_iam_member" "gateway_objectUser__profiles_eu_gcp_europe_west1" {
  bucket = google_storage_bucket.profiles_eu_gcp_europe_west1.name
  role   = "roles/storage.objectUser"
  member = "principal://iam.googleapis.com/projects/${data.google_project.this.number}/locations/global/workloadIdentityPools/${var.project}.svc.id.goog/subject/ns/polycloud/sa/polycloud"

  condition {
    title      = "only copies"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.profiles_eu_gcp_europe_west1.name}/objects/curated/profiles-eu/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.profiles_eu_gcp_europe_west1.name}/objects/models/profiles-eu/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.profiles_eu_gcp_europe_west1.name}/objects/processed/profiles-eu/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.profiles_eu_gcp_europe_west1.name}/objects/raw/profiles-eu/\")"
  }
}

resource "google_storage_bucket_iam_member" "gateway_abroad_objectUser__clickstream_gcp_us_central1" {
  bucket = google_storage_bucket.clickstream_gcp_us_central1.name
  role   = "roles/storage.objectUser"
  member = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.clusters.name}/subject/system:serviceaccount:polycloud:polycloud"

  condition {
    title      = "only copies"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.clickstream_gcp_us_central1.name}/objects/curated/clickstream/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.clickstream_gcp_us_central1.name}/objects/models/clickstream/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.clickstream_gcp_us_central1.name}/objects/processed/clickstream/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.clickstream_gcp_us_central1.name}/objects/raw/clickstream/\")"
  }
}

resource "google_storage_bucket_iam_member" "gateway_abroad_objectUser__profiles_eu_gcp_europe_west1" {
  bucket = google_storage_bucket.profiles_eu_gcp_europe_west1.name
  role   = "roles/storage.objectUser"
  member = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.clusters.name}/subject/system:serviceaccount:polycloud:polycloud"

  condition {
    title      = "only copies"
    expression = "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.profiles_eu_gcp_europe_west1.name}/objects/curated/profiles-eu/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.profiles_eu_gcp_europe_west1.name}/objects/models/profiles-eu/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.profiles_eu_gcp_europe_west1.name}/objects/processed/profiles-eu/\") || resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.profiles_eu_gcp_europe_west1.name}/objects/raw/profiles-eu/\")"
  }
}

resource "google_project_iam_custom_role" "gateway" {
  role_id     = "polycloudGateway"
  title       = "polycloud gateway"
  description = "Calls models, and nothing else."
  permissions = ["aiplatform.endpoints.predict", "aiplatform.endpoints.explain"]
}

resource "google_project_iam_member" "gateway" {
  project = var.project
  role    = google_project_iam_custom_role.gateway.name
  member  = "principal://iam.googleapis.com/projects/${data.google_project.this.number}/locations/global/workloadIdentityPools/${var.project}.svc.id.goog/subject/ns/polycloud/sa/polycloud"
}

resource "google_project_iam_member" "gateway_abroad" {
  project = var.project
  role    = google_project_iam_custom_role.gateway.name
  member  = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.clusters.name}/subject/system:serviceaccount:polycloud:polycloud"
}
