# Where the state of this root is kept; make the bucket once, by hand.
# From the estate active-active: clouds.gcp.
# Written by polycloud render: change the estate, not this file.

terraform {
  backend "gcs" {
    bucket = "active-active-terraform-state"
    prefix = "production/gcp"
  }
}
