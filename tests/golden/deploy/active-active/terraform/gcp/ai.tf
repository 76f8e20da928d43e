# Models at Google Cloud (Vertex AI): who may call them, and endpoints of one's own.
# From the estate active-active: models.
# Written by polycloud render: change the estate, not this file.

resource "google_project_iam_custom_role" "gateway" {
  role_id     = "polycloudGateway"
  title       = "polycloud gateway"
  description = "Calls models, and nothing else."
  permissions = ["aiplatform.endpoints.predict"]
}

resource "google_project_iam_member" "gateway" {
  project = var.project
  role    = google_project_iam_custom_role.gateway.name
  member  = "principal://iam.googleapis.com/projects/${data.google_project.this.number}/locations/global/workloadIdentityPools/${var.project}.svc.id.goog/subject/ns/polycloud/sa/polycloud"
  # On the project: a publisher's model is nobody's resource, so none can be named.
}

resource "google_project_iam_member" "gateway__abroad__aws_eu_west_1" {
  project = var.project
  role    = google_project_iam_custom_role.gateway.name
  member  = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.clusters.name}/attribute.pod/aws-eu-west-1/system:serviceaccount:polycloud:polycloud"
  # On the project: a publisher's model is nobody's resource, so none can be named.
}

resource "google_project_iam_member" "gateway__abroad__aws_us_east_1" {
  project = var.project
  role    = google_project_iam_custom_role.gateway.name
  member  = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.clusters.name}/attribute.pod/aws-us-east-1/system:serviceaccount:polycloud:polycloud"
  # On the project: a publisher's model is nobody's resource, so none can be named.
}

resource "google_project_iam_member" "gateway__abroad__aws_us_west_2" {
  project = var.project
  role    = google_project_iam_custom_role.gateway.name
  member  = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.clusters.name}/attribute.pod/aws-us-west-2/system:serviceaccount:polycloud:polycloud"
  # On the project: a publisher's model is nobody's resource, so none can be named.
}

resource "google_project_iam_member" "gateway__abroad__azure_eastus" {
  project = var.project
  role    = google_project_iam_custom_role.gateway.name
  member  = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.clusters.name}/attribute.pod/azure-eastus/system:serviceaccount:polycloud:polycloud"
  # On the project: a publisher's model is nobody's resource, so none can be named.
}

resource "google_project_iam_member" "gateway__abroad__azure_westeurope" {
  project = var.project
  role    = google_project_iam_custom_role.gateway.name
  member  = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.clusters.name}/attribute.pod/azure-westeurope/system:serviceaccount:polycloud:polycloud"
  # On the project: a publisher's model is nobody's resource, so none can be named.
}
