# Buckets at Oracle Cloud: how they age, who is told, where they are copied.
# From the estate sandbox: datasets, stores.
# Written by polycloud render: change the estate, not this file.

resource "oci_logging_log_group" "eu_frankfurt_1" {
  provider       = oci.eu_frankfurt_1
  compartment_id = var.compartment
  freeform_tags  = local.tags
  display_name   = "sandbox-eu-frankfurt-1"
}

resource "oci_logging_log_group" "us_chicago_1" {
  provider       = oci.us_chicago_1
  compartment_id = var.compartment
  freeform_tags  = local.tags
  display_name   = "sandbox-us-chicago-1"
}
