# Buckets at Oracle Cloud: how they age, who is told, where they are copied.
# From the estate oci-primary: datasets, stores.
# Written by polycloud render: change the estate, not this file.

resource "oci_logging_log_group" "eu_amsterdam_1" {
  provider       = oci.eu_amsterdam_1
  compartment_id = var.compartment
  freeform_tags  = local.tags
  display_name   = "oci-primary-eu-amsterdam-1"
}

resource "oci_logging_log_group" "eu_frankfurt_1" {
  provider       = oci.eu_frankfurt_1
  compartment_id = var.compartment
  freeform_tags  = local.tags
  display_name   = "oci-primary-eu-frankfurt-1"
}

resource "oci_identity_policy" "objects" {
  compartment_id = var.compartment
  name           = "oci-primary-objects"
  description    = "The storage service cools, deletes and copies objects: Oracle's own form, of all buckets."
  statements = [
    "Allow service objectstorage-eu-amsterdam-1 to manage object-family in compartment id ${var.compartment}",
    "Allow service objectstorage-eu-frankfurt-1 to manage object-family in compartment id ${var.compartment}",
  ]
}

resource "oci_objectstorage_bucket" "ledger_amsterdam_oci_eu_amsterdam_1" {
  provider              = oci.eu_amsterdam_1
  compartment_id        = var.compartment
  namespace             = data.oci_objectstorage_namespace.this.namespace
  name                  = "oci-primary-ledger-amsterdam-eu-amsterdam-1"
  access_type           = "NoPublicAccess"
  storage_tier          = "Standard"
  versioning            = "Enabled"
  object_events_enabled = true
  kms_key_id            = oci_kms_key.data__eu_amsterdam_1.id
  freeform_tags         = merge(local.tags, { data-class = "ledger" })
  depends_on            = [oci_identity_policy.keys_eu_amsterdam_1]

  lifecycle {
    prevent_destroy = true
  }
}

resource "oci_objectstorage_object_lifecycle_policy" "ledger_amsterdam_oci_eu_amsterdam_1" {
  provider   = oci.eu_amsterdam_1
  namespace  = data.oci_objectstorage_namespace.this.namespace
  bucket     = oci_objectstorage_bucket.ledger_amsterdam_oci_eu_amsterdam_1.name
  depends_on = [oci_identity_policy.objects]
  # What ages out at the source is deleted here by the replication, so no rule does it.

  rules {
    name        = "infrequent-access"
    action      = "INFREQUENT_ACCESS"
    is_enabled  = true
    target      = "objects"
    time_amount = "30"
    time_unit   = "DAYS"
  }

  rules {
    name        = "unfinished"
    action      = "ABORT"
    is_enabled  = true
    target      = "multipart-uploads"
    time_amount = "7"
    time_unit   = "DAYS"
  }

  rules {
    name        = "old-versions"
    action      = "DELETE"
    is_enabled  = true
    target      = "previous-object-versions"
    time_amount = "30"
    time_unit   = "DAYS"
  }
}

resource "oci_logging_log" "bucket_read_ledger_amsterdam_oci_eu_amsterdam_1" {
  provider           = oci.eu_amsterdam_1
  display_name       = "read-ledger-amsterdam-oci-eu-amsterdam-1"
  log_group_id       = oci_logging_log_group.eu_amsterdam_1.id
  log_type           = "SERVICE"
  is_enabled         = true
  retention_duration = 180

  configuration {
    source {
      category    = "read"
      resource    = oci_objectstorage_bucket.ledger_amsterdam_oci_eu_amsterdam_1.name
      service     = "objectstorage"
      source_type = "OCISERVICE"
    }
  }
}

resource "oci_logging_log" "bucket_write_ledger_amsterdam_oci_eu_amsterdam_1" {
  provider           = oci.eu_amsterdam_1
  display_name       = "write-ledger-amsterdam-oci-eu-amsterdam-1"
  log_group_id       = oci_logging_log_group.eu_amsterdam_1.id
  log_type           = "SERVICE"
  is_enabled         = true
  retention_duration = 180

  configuration {
    source {
      category    = "write"
      resource    = oci_objectstorage_bucket.ledger_amsterdam_oci_eu_amsterdam_1.name
      service     = "objectstorage"
      source_type = "OCISERVICE"
    }
  }
}

resource "oci_objectstorage_bucket" "ledger_frankfurt_oci_eu_frankfurt_1" {
  provider              = oci.eu_frankfurt_1
  compartment_id        = var.compartment
  namespace             = data.oci_objectstorage_namespace.this.namespace
  name                  = "oci-primary-ledger-frankfurt-eu-frankfurt-1"
  access_type           = "NoPublicAccess"
  storage_tier          = "Standard"
  versioning            = "Enabled"
  object_events_enabled = true
  kms_key_id            = oci_kms_key.data__eu_frankfurt_1.id
  freeform_tags         = merge(local.tags, { data-class = "ledger" })
  depends_on            = [oci_identity_policy.keys_eu_frankfurt_1]

  lifecycle {
    prevent_destroy = true
  }
}

resource "oci_objectstorage_object_lifecycle_policy" "ledger_frankfurt_oci_eu_frankfurt_1" {
  provider   = oci.eu_frankfurt_1
  namespace  = data.oci_objectstorage_namespace.this.namespace
  bucket     = oci_objectstorage_bucket.ledger_frankfurt_oci_eu_frankfurt_1.name
  depends_on = [oci_identity_policy.objects]

  rules {
    name        = "infrequent-access"
    action      = "INFREQUENT_ACCESS"
    is_enabled  = true
    target      = "objects"
    time_amount = "30"
    time_unit   = "DAYS"
  }

  rules {
    name        = "delete"
    action      = "DELETE"
    is_enabled  = true
    target      = "objects"
    time_amount = "2556"
    time_unit   = "DAYS"
  }

  rules {
    name        = "unfinished"
    action      = "ABORT"
    is_enabled  = true
    target      = "multipart-uploads"
    time_amount = "7"
    time_unit   = "DAYS"
  }

  rules {
    name        = "old-versions"
    action      = "DELETE"
    is_enabled  = true
    target      = "previous-object-versions"
    time_amount = "30"
    time_unit   = "DAYS"
  }
}

resource "oci_logging_log" "bucket_read_ledger_frankfurt_oci_eu_frankfurt_1" {
  provider           = oci.eu_frankfurt_1
  display_name       = "read-ledger-frankfurt-oci-eu-frankfurt-1"
  log_group_id       = oci_logging_log_group.eu_frankfurt_1.id
  log_type           = "SERVICE"
  is_enabled         = true
  retention_duration = 180

  configuration {
    source {
      category    = "read"
      resource    = oci_objectstorage_bucket.ledger_frankfurt_oci_eu_frankfurt_1.name
      service     = "objectstorage"
      source_type = "OCISERVICE"
    }
  }
}

resource "oci_logging_log" "bucket_write_ledger_frankfurt_oci_eu_frankfurt_1" {
  provider           = oci.eu_frankfurt_1
  display_name       = "write-ledger-frankfurt-oci-eu-frankfurt-1"
  log_group_id       = oci_logging_log_group.eu_frankfurt_1.id
  log_type           = "SERVICE"
  is_enabled         = true
  retention_duration = 180

  configuration {
    source {
      category    = "write"
      resource    = oci_objectstorage_bucket.ledger_frankfurt_oci_eu_frankfurt_1.name
      service     = "objectstorage"
      source_type = "OCISERVICE"
    }
  }
}

resource "oci_objectstorage_bucket" "payments_oci_eu_frankfurt_1" {
  provider              = oci.eu_frankfurt_1
  compartment_id        = var.compartment
  namespace             = data.oci_objectstorage_namespace.this.namespace
  name                  = "oci-primary-payments-eu-frankfurt-1"
  access_type           = "NoPublicAccess"
  storage_tier          = "Standard"
  versioning            = "Enabled"
  object_events_enabled = true
  kms_key_id            = oci_kms_key.data__eu_frankfurt_1.id
  freeform_tags         = merge(local.tags, { data-class = "ledger" })
  depends_on            = [oci_identity_policy.keys_eu_frankfurt_1]

  lifecycle {
    prevent_destroy = true
  }
}

resource "oci_objectstorage_object_lifecycle_policy" "payments_oci_eu_frankfurt_1" {
  provider   = oci.eu_frankfurt_1
  namespace  = data.oci_objectstorage_namespace.this.namespace
  bucket     = oci_objectstorage_bucket.payments_oci_eu_frankfurt_1.name
  depends_on = [oci_identity_policy.objects]

  rules {
    name        = "infrequent-access"
    action      = "INFREQUENT_ACCESS"
    is_enabled  = true
    target      = "objects"
    time_amount = "60"
    time_unit   = "DAYS"
  }

  rules {
    name        = "delete"
    action      = "DELETE"
    is_enabled  = true
    target      = "objects"
    time_amount = "365"
    time_unit   = "DAYS"
  }

  rules {
    name        = "unfinished"
    action      = "ABORT"
    is_enabled  = true
    target      = "multipart-uploads"
    time_amount = "7"
    time_unit   = "DAYS"
  }

  rules {
    name        = "old-versions"
    action      = "DELETE"
    is_enabled  = true
    target      = "previous-object-versions"
    time_amount = "30"
    time_unit   = "DAYS"
  }
}

resource "oci_logging_log" "bucket_read_payments_oci_eu_frankfurt_1" {
  provider           = oci.eu_frankfurt_1
  display_name       = "read-payments-oci-eu-frankfurt-1"
  log_group_id       = oci_logging_log_group.eu_frankfurt_1.id
  log_type           = "SERVICE"
  is_enabled         = true
  retention_duration = 180

  configuration {
    source {
      category    = "read"
      resource    = oci_objectstorage_bucket.payments_oci_eu_frankfurt_1.name
      service     = "objectstorage"
      source_type = "OCISERVICE"
    }
  }
}

resource "oci_logging_log" "bucket_write_payments_oci_eu_frankfurt_1" {
  provider           = oci.eu_frankfurt_1
  display_name       = "write-payments-oci-eu-frankfurt-1"
  log_group_id       = oci_logging_log_group.eu_frankfurt_1.id
  log_type           = "SERVICE"
  is_enabled         = true
  retention_duration = 180

  configuration {
    source {
      category    = "write"
      resource    = oci_objectstorage_bucket.payments_oci_eu_frankfurt_1.name
      service     = "objectstorage"
      source_type = "OCISERVICE"
    }
  }
}

resource "oci_objectstorage_replication_policy" "ledger_frankfurt_oci_eu_frankfurt_1__ledger_amsterdam_oci_eu_amsterdam_1" {
  provider                = oci.eu_frankfurt_1
  namespace               = data.oci_objectstorage_namespace.this.namespace
  bucket                  = oci_objectstorage_bucket.ledger_frankfurt_oci_eu_frankfurt_1.name
  name                    = "to-ledger-amsterdam-oci-eu-amsterdam-1"
  destination_bucket_name = oci_objectstorage_bucket.ledger_amsterdam_oci_eu_amsterdam_1.name
  destination_region_name = "eu-amsterdam-1"
  depends_on              = [oci_identity_policy.objects]
  # From its making on, the copy is read-only, and what was there before is not copied.
}
