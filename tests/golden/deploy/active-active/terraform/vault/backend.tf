# Where the state of this root is kept; make the bucket once, by hand.
# From the estate active-active: clouds.
# Written by polycloud render: change the estate, not this file.

terraform {
  backend "s3" {
    bucket       = "active-active-terraform-state"
    key          = "production/vault.tfstate"
    region       = "eu-west-1"
    encrypt      = true
    use_lockfile = true
  }
}
