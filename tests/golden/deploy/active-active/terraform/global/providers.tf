# The providers, for as much as this root needs of each.
# From the estate active-active: entry, links.
# Written by polycloud render: change the estate, not this file.

provider "aws" {
  region = "eu-west-1"

  default_tags {
    tags = {
      managed-by  = "polycloud"
      estate      = "active-active"
      environment = "production"
    }
  }
}

provider "cloudflare" {}

provider "google" {
  project = "globex-ai"
  region  = "asia-east1"
}
