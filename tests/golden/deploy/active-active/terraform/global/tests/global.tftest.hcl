# What the estate promises, over the plan, without an account: terraform test.
# From the estate active-active: all of it.
# Written by polycloud render: change the estate, not this file.

mock_provider "aws" {}

mock_provider "cloudflare" {}

mock_provider "google" {}

variables {
  cloudflare_account = "example"
  cloudflare_zone    = "example"
  aws_gateways = {
    "aws/eu-west-1" = {
      id        = "aws-gateway"
      addresses = ["192.0.2.1", "192.0.2.2"]
      router    = "router"
      group     = "group"
    }
    "aws/us-east-1" = {
      id        = "aws-gateway"
      addresses = ["192.0.2.1", "192.0.2.2"]
      router    = "router"
      group     = "group"
    }
  }
  gcp_gateways = {
    "gcp/europe-west1" = {
      id        = "gcp-gateway"
      addresses = ["192.0.2.1", "192.0.2.2"]
      router    = "router"
      group     = "group"
    }
    "gcp/us-central1" = {
      id        = "gcp-gateway"
      addresses = ["192.0.2.1", "192.0.2.2"]
      router    = "router"
      group     = "group"
    }
  }
  vpn_secrets = {
    aws-azure-us   = "for-tests-alone"
    aws-gcp-eu     = "for-tests-alone"
    aws-gcp-eu-vpn = "for-tests-alone"
    aws-gcp-us     = "for-tests-alone"
  }
}

run "callers_stay_where_they_may_be" {
  command = plan

  assert {
    condition     = cloudflare_load_balancer.entry.steering_policy == "geo"
    error_message = "Confined countries must have lists of their own."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["AT"]) == 1
    error_message = "Callers from AT may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["BE"]) == 1
    error_message = "Callers from BE may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["BG"]) == 1
    error_message = "Callers from BG may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["CY"]) == 1
    error_message = "Callers from CY may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["CZ"]) == 1
    error_message = "Callers from CZ may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["DE"]) == 1
    error_message = "Callers from DE may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["DK"]) == 1
    error_message = "Callers from DK may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["EE"]) == 1
    error_message = "Callers from EE may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["ES"]) == 1
    error_message = "Callers from ES may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["FI"]) == 1
    error_message = "Callers from FI may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["FR"]) == 1
    error_message = "Callers from FR may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["GR"]) == 1
    error_message = "Callers from GR may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["HR"]) == 1
    error_message = "Callers from HR may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["HU"]) == 1
    error_message = "Callers from HU may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["IE"]) == 1
    error_message = "Callers from IE may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["IS"]) == 1
    error_message = "Callers from IS may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["IT"]) == 1
    error_message = "Callers from IT may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["LI"]) == 1
    error_message = "Callers from LI may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["LT"]) == 1
    error_message = "Callers from LT may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["LU"]) == 1
    error_message = "Callers from LU may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["LV"]) == 1
    error_message = "Callers from LV may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["MT"]) == 1
    error_message = "Callers from MT may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["NL"]) == 1
    error_message = "Callers from NL may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["NO"]) == 1
    error_message = "Callers from NO may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["PL"]) == 1
    error_message = "Callers from PL may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["PT"]) == 1
    error_message = "Callers from PT may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["RO"]) == 1
    error_message = "Callers from RO may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["SE"]) == 1
    error_message = "Callers from SE may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["SI"]) == 1
    error_message = "Callers from SI may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["SK"]) == 1
    error_message = "Callers from SK may be answered by europe alone."
  }

  assert {
    condition     = length(cloudflare_load_balancer.entry.country_pools["US"]) == 1
    error_message = "Callers from US may be answered by america alone."
  }
}
