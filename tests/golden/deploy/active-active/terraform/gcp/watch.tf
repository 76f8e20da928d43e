# Who watches at Google Cloud.
# From the estate active-active: clusters, databases.
# Written by polycloud render: change the estate, not this file.

resource "google_project_iam_member" "collector__cloudtrace_agent___6a539a" {
  project = var.project
  role    = "roles/cloudtrace.agent"
  member  = "principal://iam.googleapis.com/projects/${data.google_project.this.number}/locations/global/workloadIdentityPools/${var.project}.svc.id.goog/subject/ns/monitoring/sa/collector"
  # On the project: figures, logs and traces have no narrower place.
}

resource "google_project_iam_member" "collector__logging_logWriter___cc60cb" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = "principal://iam.googleapis.com/projects/${data.google_project.this.number}/locations/global/workloadIdentityPools/${var.project}.svc.id.goog/subject/ns/monitoring/sa/collector"
  # On the project: figures, logs and traces have no narrower place.
}

resource "google_project_iam_member" "collector__monitoring_metricWriter___86c917" {
  project = var.project
  role    = "roles/monitoring.metricWriter"
  member  = "principal://iam.googleapis.com/projects/${data.google_project.this.number}/locations/global/workloadIdentityPools/${var.project}.svc.id.goog/subject/ns/monitoring/sa/collector"
  # On the project: figures, logs and traces have no narrower place.
}
