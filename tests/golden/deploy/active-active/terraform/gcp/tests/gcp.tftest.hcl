# What the estate promises, over the plan, without an account: terraform test.
# From the estate active-active: all of it.
# Written by polycloud render: change the estate, not this file.

mock_provider "google" {
  mock_data "google_project" {
    defaults = {
      number = "123456789012"
    }
  }

  mock_data "google_storage_project_service_account" {
    defaults = {
      member = "serviceAccount:agent@example.iam.gserviceaccount.com"
    }
  }
}

variables {
  organization = "example"
}

run "keys_are_renewed" {
  command = plan

  assert {
    condition     = google_kms_crypto_key.data__asia_east1.rotation_period == "7776000s"
    error_message = "The key at gcp/asia-east1 must be renewed by itself."
  }

  assert {
    condition     = google_kms_crypto_key.data__europe_west1.rotation_period == "7776000s"
    error_message = "The key at gcp/europe-west1 must be renewed by itself."
  }

  assert {
    condition     = google_kms_crypto_key.data__us_central1.rotation_period == "7776000s"
    error_message = "The key at gcp/us-central1 must be renewed by itself."
  }
}

run "clusters_are_closed" {
  command = plan

  assert {
    condition     = google_container_cluster.gcp_asia_east1.private_cluster_config[0].enable_private_nodes && google_container_cluster.gcp_asia_east1.private_cluster_config[0].enable_private_endpoint
    error_message = "Machines and Kubernetes API of gcp-asia-east1 must be reached from inside alone."
  }

  assert {
    condition     = google_container_cluster.gcp_asia_east1.database_encryption[0].state == "ENCRYPTED"
    error_message = "Secrets of gcp-asia-east1 must be encrypted by our key."
  }

  assert {
    condition     = google_container_cluster.gcp_europe_west1.private_cluster_config[0].enable_private_nodes && google_container_cluster.gcp_europe_west1.private_cluster_config[0].enable_private_endpoint
    error_message = "Machines and Kubernetes API of gcp-europe-west1 must be reached from inside alone."
  }

  assert {
    condition     = google_container_cluster.gcp_europe_west1.database_encryption[0].state == "ENCRYPTED"
    error_message = "Secrets of gcp-europe-west1 must be encrypted by our key."
  }

  assert {
    condition     = google_container_cluster.gcp_us_central1.private_cluster_config[0].enable_private_nodes && google_container_cluster.gcp_us_central1.private_cluster_config[0].enable_private_endpoint
    error_message = "Machines and Kubernetes API of gcp-us-central1 must be reached from inside alone."
  }

  assert {
    condition     = google_container_cluster.gcp_us_central1.database_encryption[0].state == "ENCRYPTED"
    error_message = "Secrets of gcp-us-central1 must be encrypted by our key."
  }
}

run "pools_keep_their_bounds" {
  command = plan

  assert {
    condition     = google_container_node_pool.gcp_asia_east1__gpu.autoscaling[0].total_min_node_count == 0 && google_container_node_pool.gcp_asia_east1__gpu.autoscaling[0].total_max_node_count == 10
    error_message = "The pool gpu of gcp-asia-east1 has 0 to 10 machines."
  }

  assert {
    condition     = google_container_node_pool.gcp_asia_east1__system.autoscaling[0].total_min_node_count == 3 && google_container_node_pool.gcp_asia_east1__system.autoscaling[0].total_max_node_count == 3
    error_message = "The pool system of gcp-asia-east1 has 3 to 3 machines."
  }

  assert {
    condition     = google_container_node_pool.gcp_asia_east1__workload.autoscaling[0].total_min_node_count == 5 && google_container_node_pool.gcp_asia_east1__workload.autoscaling[0].total_max_node_count == 50
    error_message = "The pool workload of gcp-asia-east1 has 5 to 50 machines."
  }

  assert {
    condition     = google_container_node_pool.gcp_europe_west1__gpu.autoscaling[0].total_min_node_count == 0 && google_container_node_pool.gcp_europe_west1__gpu.autoscaling[0].total_max_node_count == 10
    error_message = "The pool gpu of gcp-europe-west1 has 0 to 10 machines."
  }

  assert {
    condition     = google_container_node_pool.gcp_europe_west1__system.autoscaling[0].total_min_node_count == 3 && google_container_node_pool.gcp_europe_west1__system.autoscaling[0].total_max_node_count == 3
    error_message = "The pool system of gcp-europe-west1 has 3 to 3 machines."
  }

  assert {
    condition     = google_container_node_pool.gcp_europe_west1__workload.autoscaling[0].total_min_node_count == 5 && google_container_node_pool.gcp_europe_west1__workload.autoscaling[0].total_max_node_count == 50
    error_message = "The pool workload of gcp-europe-west1 has 5 to 50 machines."
  }

  assert {
    condition     = google_container_node_pool.gcp_us_central1__gpu.autoscaling[0].total_min_node_count == 0 && google_container_node_pool.gcp_us_central1__gpu.autoscaling[0].total_max_node_count == 10
    error_message = "The pool gpu of gcp-us-central1 has 0 to 10 machines."
  }

  assert {
    condition     = google_container_node_pool.gcp_us_central1__system.autoscaling[0].total_min_node_count == 3 && google_container_node_pool.gcp_us_central1__system.autoscaling[0].total_max_node_count == 3
    error_message = "The pool system of gcp-us-central1 has 3 to 3 machines."
  }

  assert {
    condition     = google_container_node_pool.gcp_us_central1__workload.autoscaling[0].total_min_node_count == 5 && google_container_node_pool.gcp_us_central1__workload.autoscaling[0].total_max_node_count == 50
    error_message = "The pool workload of gcp-us-central1 has 5 to 50 machines."
  }
}

run "buckets_are_closed_and_encrypted" {
  command = plan

  assert {
    condition     = google_storage_bucket.clickstream_gcp_us_central1.public_access_prevention == "enforced" && google_storage_bucket.clickstream_gcp_us_central1.uniform_bucket_level_access
    error_message = "clickstream-gcp-us-central1 must not be public."
  }

  assert {
    condition     = length(google_storage_bucket.clickstream_gcp_us_central1.encryption) == 1
    error_message = "clickstream-gcp-us-central1 must be encrypted by our key."
  }

  assert {
    condition     = google_storage_bucket.clickstream_gcp_us_central1.versioning[0].enabled
    error_message = "clickstream-gcp-us-central1 must keep versions."
  }

  assert {
    condition     = google_storage_bucket.profiles_eu_gcp_europe_west1.public_access_prevention == "enforced" && google_storage_bucket.profiles_eu_gcp_europe_west1.uniform_bucket_level_access
    error_message = "profiles-eu-gcp-europe-west1 must not be public."
  }

  assert {
    condition     = length(google_storage_bucket.profiles_eu_gcp_europe_west1.encryption) == 1
    error_message = "profiles-eu-gcp-europe-west1 must be encrypted by our key."
  }

  assert {
    condition     = google_storage_bucket.profiles_eu_gcp_europe_west1.versioning[0].enabled
    error_message = "profiles-eu-gcp-europe-west1 must keep versions."
  }
}

run "buckets_age_and_are_copied" {
  command = plan

  assert {
    condition     = anytrue([for rule in google_storage_bucket.clickstream_gcp_us_central1.lifecycle_rule : try(one(rule.action).storage_class == "NEARLINE" && one(rule.condition).age == 30, false)])
    error_message = "clickstream-gcp-us-central1 must age as the estate says."
  }

  assert {
    condition     = anytrue([for rule in google_storage_bucket.clickstream_gcp_us_central1.lifecycle_rule : try(one(rule.action).storage_class == "COLDLINE" && one(rule.condition).age == 90, false)])
    error_message = "clickstream-gcp-us-central1 must age as the estate says."
  }

  assert {
    condition     = anytrue([for rule in google_storage_bucket.clickstream_gcp_us_central1.lifecycle_rule : try(one(rule.action).storage_class == "ARCHIVE" && one(rule.condition).age == 365, false)])
    error_message = "clickstream-gcp-us-central1 must age as the estate says."
  }

  assert {
    condition     = anytrue([for rule in google_storage_bucket.clickstream_gcp_us_central1.lifecycle_rule : try(one(rule.action).type == "Delete" && one(rule.condition).age == 2556, false)])
    error_message = "clickstream-gcp-us-central1 must age as the estate says."
  }

  assert {
    condition     = anytrue([for rule in google_storage_bucket.profiles_eu_gcp_europe_west1.lifecycle_rule : try(one(rule.action).storage_class == "NEARLINE" && one(rule.condition).age == 30, false)])
    error_message = "profiles-eu-gcp-europe-west1 must age as the estate says."
  }

  assert {
    condition     = anytrue([for rule in google_storage_bucket.profiles_eu_gcp_europe_west1.lifecycle_rule : try(one(rule.action).storage_class == "COLDLINE" && one(rule.condition).age == 90, false)])
    error_message = "profiles-eu-gcp-europe-west1 must age as the estate says."
  }
}

run "data_stay_where_they_may_be" {
  command = plan

  assert {
    condition     = contains(["asia-east1", "europe-west1", "us-central1"], lower(google_storage_bucket.clickstream_gcp_us_central1.location))
    error_message = "training must stay where it may be."
  }

  assert {
    condition     = contains(["europe-west1"], lower(google_storage_bucket.profiles_eu_gcp_europe_west1.location))
    error_message = "personal-eu must stay where it may be."
  }
}

run "people_sign_in_as_the_estate_says" {
  command = plan

  assert {
    condition     = google_iam_workforce_pool.people.session_duration == "28800s"
    error_message = "A session must last as long as the estate says."
  }

  assert {
    condition     = google_iam_workforce_pool_provider.people.attribute_condition == "'mfa' in assertion.amr"
    error_message = "A sign-in without a second factor must be refused."
  }
}
