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
}

resource "google_project_iam_member" "gateway_abroad" {
  project = var.project
  role    = google_project_iam_custom_role.gateway.name
  member  = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.clusters.name}/subject/system:serviceaccount:polycloud:polycloud"
}
