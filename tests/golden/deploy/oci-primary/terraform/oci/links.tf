# Ways from Oracle Cloud to other clouds, regions and halls.
# From the estate oci-primary: links.
# Written by polycloud render: change the estate, not this file.

resource "oci_core_drg" "eu_frankfurt_1" {
  provider       = oci.eu_frankfurt_1
  compartment_id = var.compartment
  freeform_tags  = local.tags
  display_name   = "polycloud-eu-frankfurt-1"
}

resource "oci_core_drg_attachment" "eu_frankfurt_1" {
  provider     = oci.eu_frankfurt_1
  drg_id       = oci_core_drg.eu_frankfurt_1.id
  display_name = "polycloud-eu-frankfurt-1"

  network_details {
    type = "VCN"
    id   = oci_core_vcn.eu_frankfurt_1.id
  }
}
