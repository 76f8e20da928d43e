# Buckets at Google Cloud: who may see them, how they age, where they are copied.
# From the estate active-active: datasets, stores.
# Written by polycloud render: change the estate, not this file.

resource "google_storage_bucket" "access_logs_europe_west1" {
  name                        = "active-active-access-logs-europe-west1"
  location                    = "EUROPE-WEST1"
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  depends_on                  = [google_kms_crypto_key_iam_member.storage_data__europe_west1]
  # checkov:skip=CKV_GCP_62:Logs of the log bucket would log themselves.

  versioning {
    enabled = true
  }

  encryption {
    default_kms_key_name = google_kms_crypto_key.data__europe_west1.id
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age = 400
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 30
      with_state                 = "ARCHIVED"
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = 7
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_storage_bucket_iam_member" "access_logs_europe_west1" {
  bucket = google_storage_bucket.access_logs_europe_west1.name
  role   = "roles/storage.objectCreator"
  member = "group:cloud-storage-analytics@google.com"
}

resource "google_storage_bucket" "access_logs_us_central1" {
  name                        = "active-active-access-logs-us-central1"
  location                    = "US-CENTRAL1"
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  depends_on                  = [google_kms_crypto_key_iam_member.storage_data__us_central1]
  # checkov:skip=CKV_GCP_62:Logs of the log bucket would log themselves.

  versioning {
    enabled = true
  }

  encryption {
    default_kms_key_name = google_kms_crypto_key.data__us_central1.id
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age = 400
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 30
      with_state                 = "ARCHIVED"
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = 7
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_storage_bucket_iam_member" "access_logs_us_central1" {
  bucket = google_storage_bucket.access_logs_us_central1.name
  role   = "roles/storage.objectCreator"
  member = "group:cloud-storage-analytics@google.com"
}

resource "google_storage_bucket" "clickstream_gcp_us_central1" {
  name                        = "active-active-clickstream-us-central1"
  location                    = "US-CENTRAL1"
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels = {
    data-class = "training"
  }
  depends_on = [google_kms_crypto_key_iam_member.storage_data__us_central1]

  versioning {
    enabled = true
  }

  encryption {
    default_kms_key_name = google_kms_crypto_key.data__us_central1.id
  }

  logging {
    log_bucket        = google_storage_bucket.access_logs_us_central1.name
    log_object_prefix = "clickstream-gcp-us-central1"
  }

  lifecycle_rule {
    action {
      type          = "SetStorageClass"
      storage_class = "NEARLINE"
    }

    condition {
      age = 30
    }
  }

  lifecycle_rule {
    action {
      type          = "SetStorageClass"
      storage_class = "COLDLINE"
    }

    condition {
      age = 90
    }
  }

  lifecycle_rule {
    action {
      type          = "SetStorageClass"
      storage_class = "ARCHIVE"
    }

    condition {
      age = 365
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age = 2556
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 30
      with_state                 = "ARCHIVED"
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = 7
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_storage_managed_folder" "clickstream_gcp_us_central1" {
  for_each = toset(["raw/", "processed/", "curated/", "models/"])
  bucket   = google_storage_bucket.clickstream_gcp_us_central1.name
  name     = each.value
}

resource "google_storage_bucket" "profiles_eu_gcp_europe_west1" {
  name                        = "active-active-profiles-eu-europe-west1"
  location                    = "EUROPE-WEST1"
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  labels = {
    data-class = "personal-eu"
  }
  depends_on = [google_kms_crypto_key_iam_member.storage_data__europe_west1]

  versioning {
    enabled = true
  }

  encryption {
    default_kms_key_name = google_kms_crypto_key.data__europe_west1.id
  }

  logging {
    log_bucket        = google_storage_bucket.access_logs_europe_west1.name
    log_object_prefix = "profiles-eu-gcp-europe-west1"
  }

  lifecycle_rule {
    action {
      type          = "SetStorageClass"
      storage_class = "NEARLINE"
    }

    condition {
      age = 30
    }
  }

  lifecycle_rule {
    action {
      type          = "SetStorageClass"
      storage_class = "COLDLINE"
    }

    condition {
      age = 90
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      days_since_noncurrent_time = 30
      with_state                 = "ARCHIVED"
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = 7
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_storage_managed_folder" "profiles_eu_gcp_europe_west1" {
  for_each = toset(["raw/", "processed/", "curated/", "models/"])
  bucket   = google_storage_bucket.profiles_eu_gcp_europe_west1.name
  name     = each.value
}

resource "google_project_iam_audit_config" "storage" {
  project = var.project
  service = "storage.googleapis.com"

  audit_log_config {
    log_type = "DATA_READ"
  }

  audit_log_config {
    log_type = "DATA_WRITE"
  }
}

resource "google_logging_project_bucket_config" "objects_europe_west1" {
  project        = var.project
  location       = "europe-west1"
  bucket_id      = "polycloud-objects-europe-west1"
  retention_days = 400
}

resource "google_logging_project_sink" "objects_europe_west1" {
  name                   = "polycloud-objects-europe-west1"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.objects_europe_west1.id}"
  filter                 = "logName:\"cloudaudit.googleapis.com%2Fdata_access\" AND resource.type=\"gcs_bucket\" AND resource.labels.bucket_name=(\"active-active-profiles-eu-europe-west1\")"
  unique_writer_identity = true
}

resource "google_logging_project_exclusion" "objects" {
  name        = "polycloud-objects"
  description = "They are kept in a log of their own site."
  filter      = "logName:\"cloudaudit.googleapis.com%2Fdata_access\" AND resource.type=\"gcs_bucket\" AND resource.labels.bucket_name=(\"active-active-profiles-eu-europe-west1\")"
}
