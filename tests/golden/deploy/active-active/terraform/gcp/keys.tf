# Keys at Google Cloud: one for each site, and who may use them.
# From the estate active-active: encryption_keys, clouds.gcp.
# Written by polycloud render: change the estate, not this file.

resource "google_kms_key_ring" "data__asia_east1" {
  name       = "active-active-data"
  location   = "asia-east1"
  depends_on = [google_project_service.this]
}

resource "google_kms_crypto_key" "data__asia_east1" {
  name                       = "data"
  key_ring                   = google_kms_key_ring.data__asia_east1.id
  purpose                    = "ENCRYPT_DECRYPT"
  rotation_period            = "7776000s"
  destroy_scheduled_duration = "2592000s"

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = "SOFTWARE"
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_member" "clusters_data__asia_east1" {
  crypto_key_id = google_kms_crypto_key.data__asia_east1.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${data.google_project.this.number}@container-engine-robot.iam.gserviceaccount.com"
  depends_on    = [google_project_service.this]
}

resource "google_kms_crypto_key_iam_member" "disks_data__asia_east1" {
  crypto_key_id = google_kms_crypto_key.data__asia_east1.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${data.google_project.this.number}@compute-system.iam.gserviceaccount.com"
  depends_on    = [google_project_service.this]
}

resource "google_kms_key_ring" "data__europe_west1" {
  name       = "active-active-data"
  location   = "europe-west1"
  depends_on = [google_project_service.this]
}

resource "google_kms_crypto_key" "data__europe_west1" {
  name                       = "data"
  key_ring                   = google_kms_key_ring.data__europe_west1.id
  purpose                    = "ENCRYPT_DECRYPT"
  rotation_period            = "7776000s"
  destroy_scheduled_duration = "2592000s"

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = "SOFTWARE"
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_member" "storage_data__europe_west1" {
  crypto_key_id = google_kms_crypto_key.data__europe_west1.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = data.google_storage_project_service_account.this.member
  depends_on    = [google_project_service.this]
}

resource "google_kms_crypto_key_iam_member" "clusters_data__europe_west1" {
  crypto_key_id = google_kms_crypto_key.data__europe_west1.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${data.google_project.this.number}@container-engine-robot.iam.gserviceaccount.com"
  depends_on    = [google_project_service.this]
}

resource "google_kms_crypto_key_iam_member" "disks_data__europe_west1" {
  crypto_key_id = google_kms_crypto_key.data__europe_west1.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${data.google_project.this.number}@compute-system.iam.gserviceaccount.com"
  depends_on    = [google_project_service.this]
}

resource "google_kms_key_ring" "data__us_central1" {
  name       = "active-active-data"
  location   = "us-central1"
  depends_on = [google_project_service.this]
}

resource "google_kms_crypto_key" "data__us_central1" {
  name                       = "data"
  key_ring                   = google_kms_key_ring.data__us_central1.id
  purpose                    = "ENCRYPT_DECRYPT"
  rotation_period            = "7776000s"
  destroy_scheduled_duration = "2592000s"

  version_template {
    algorithm        = "GOOGLE_SYMMETRIC_ENCRYPTION"
    protection_level = "SOFTWARE"
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_kms_crypto_key_iam_member" "storage_data__us_central1" {
  crypto_key_id = google_kms_crypto_key.data__us_central1.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = data.google_storage_project_service_account.this.member
  depends_on    = [google_project_service.this]
}

resource "google_kms_crypto_key_iam_member" "clusters_data__us_central1" {
  crypto_key_id = google_kms_crypto_key.data__us_central1.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${data.google_project.this.number}@container-engine-robot.iam.gserviceaccount.com"
  depends_on    = [google_project_service.this]
}

resource "google_kms_crypto_key_iam_member" "disks_data__us_central1" {
  crypto_key_id = google_kms_crypto_key.data__us_central1.id
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${data.google_project.this.number}@compute-system.iam.gserviceaccount.com"
  depends_on    = [google_project_service.this]
}
