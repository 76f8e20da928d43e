# What the estate promises, over the plan, without an account: terraform test.
# From the estate active-active: all of it.
# Written by polycloud render: change the estate, not this file.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = {
      names = ["zone-a", "zone-b", "zone-c"]
    }
  }

  mock_data "aws_caller_identity" {
    defaults = {
      account_id = "123456789012"
    }
  }

  mock_data "aws_partition" {
    defaults = {
      partition = "aws"
    }
  }

  mock_data "aws_ssoadmin_instances" {
    defaults = {
      arns               = ["arn:aws:sso:::instance/ssoins-1"]
      identity_store_ids = ["d-1"]
    }
  }
}

run "keys_are_renewed" {
  command = plan

  assert {
    condition     = aws_kms_key.data__eu_west_1.enable_key_rotation
    error_message = "The key at aws/eu-west-1 must be renewed by itself."
  }

  assert {
    condition     = aws_kms_key.data__us_east_1.enable_key_rotation
    error_message = "The key at aws/us-east-1 must be renewed by itself."
  }

  assert {
    condition     = aws_kms_key.data__us_west_2.enable_key_rotation
    error_message = "The key at aws/us-west-2 must be renewed by itself."
  }
}

run "clusters_are_closed" {
  command = plan

  assert {
    condition     = !aws_eks_cluster.aws_eu_west_1.vpc_config[0].endpoint_public_access
    error_message = "The Kubernetes API of aws-eu-west-1 must be reached from inside alone."
  }

  assert {
    condition     = contains(aws_eks_cluster.aws_eu_west_1.encryption_config[0].resources, "secrets")
    error_message = "Secrets of aws-eu-west-1 must be encrypted by our key."
  }

  assert {
    condition     = aws_eks_cluster.aws_eu_west_1.version == "1.35"
    error_message = "aws-eu-west-1 must run 1.35."
  }

  assert {
    condition     = !aws_eks_cluster.aws_us_east_1.vpc_config[0].endpoint_public_access
    error_message = "The Kubernetes API of aws-us-east-1 must be reached from inside alone."
  }

  assert {
    condition     = contains(aws_eks_cluster.aws_us_east_1.encryption_config[0].resources, "secrets")
    error_message = "Secrets of aws-us-east-1 must be encrypted by our key."
  }

  assert {
    condition     = aws_eks_cluster.aws_us_east_1.version == "1.35"
    error_message = "aws-us-east-1 must run 1.35."
  }

  assert {
    condition     = !aws_eks_cluster.aws_us_west_2.vpc_config[0].endpoint_public_access
    error_message = "The Kubernetes API of aws-us-west-2 must be reached from inside alone."
  }

  assert {
    condition     = contains(aws_eks_cluster.aws_us_west_2.encryption_config[0].resources, "secrets")
    error_message = "Secrets of aws-us-west-2 must be encrypted by our key."
  }

  assert {
    condition     = aws_eks_cluster.aws_us_west_2.version == "1.35"
    error_message = "aws-us-west-2 must run 1.35."
  }
}

run "pools_keep_their_bounds" {
  command = plan

  assert {
    condition     = aws_eks_node_group.aws_eu_west_1__gpu.scaling_config[0].min_size == 0 && aws_eks_node_group.aws_eu_west_1__gpu.scaling_config[0].max_size == 10
    error_message = "The pool gpu of aws-eu-west-1 has 0 to 10 machines."
  }

  assert {
    condition     = aws_eks_node_group.aws_eu_west_1__system.scaling_config[0].min_size == 3 && aws_eks_node_group.aws_eu_west_1__system.scaling_config[0].max_size == 3
    error_message = "The pool system of aws-eu-west-1 has 3 to 3 machines."
  }

  assert {
    condition     = aws_eks_node_group.aws_eu_west_1__workload.scaling_config[0].min_size == 5 && aws_eks_node_group.aws_eu_west_1__workload.scaling_config[0].max_size == 50
    error_message = "The pool workload of aws-eu-west-1 has 5 to 50 machines."
  }

  assert {
    condition     = aws_eks_node_group.aws_us_east_1__gpu.scaling_config[0].min_size == 0 && aws_eks_node_group.aws_us_east_1__gpu.scaling_config[0].max_size == 8
    error_message = "The pool gpu of aws-us-east-1 has 0 to 8 machines."
  }

  assert {
    condition     = aws_eks_node_group.aws_us_east_1__system.scaling_config[0].min_size == 2 && aws_eks_node_group.aws_us_east_1__system.scaling_config[0].max_size == 4
    error_message = "The pool system of aws-us-east-1 has 2 to 4 machines."
  }

  assert {
    condition     = aws_eks_node_group.aws_us_east_1__workload.scaling_config[0].min_size == 2 && aws_eks_node_group.aws_us_east_1__workload.scaling_config[0].max_size == 100
    error_message = "The pool workload of aws-us-east-1 has 2 to 100 machines."
  }

  assert {
    condition     = aws_eks_node_group.aws_us_west_2__gpu.scaling_config[0].min_size == 0 && aws_eks_node_group.aws_us_west_2__gpu.scaling_config[0].max_size == 10
    error_message = "The pool gpu of aws-us-west-2 has 0 to 10 machines."
  }

  assert {
    condition     = aws_eks_node_group.aws_us_west_2__system.scaling_config[0].min_size == 3 && aws_eks_node_group.aws_us_west_2__system.scaling_config[0].max_size == 3
    error_message = "The pool system of aws-us-west-2 has 3 to 3 machines."
  }

  assert {
    condition     = aws_eks_node_group.aws_us_west_2__workload.scaling_config[0].min_size == 5 && aws_eks_node_group.aws_us_west_2__workload.scaling_config[0].max_size == 50
    error_message = "The pool workload of aws-us-west-2 has 5 to 50 machines."
  }
}

run "buckets_are_closed_and_encrypted" {
  command = plan

  assert {
    condition     = aws_s3_bucket_public_access_block.clickstream_aws_us_east_1.block_public_acls && aws_s3_bucket_public_access_block.clickstream_aws_us_east_1.block_public_policy && aws_s3_bucket_public_access_block.clickstream_aws_us_east_1.ignore_public_acls && aws_s3_bucket_public_access_block.clickstream_aws_us_east_1.restrict_public_buckets
    error_message = "clickstream-aws-us-east-1 must not be public."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.clickstream_aws_us_east_1.rule : rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"])
    error_message = "clickstream-aws-us-east-1 must be encrypted."
  }

  assert {
    condition     = aws_s3_bucket_versioning.clickstream_aws_us_east_1.versioning_configuration[0].status == "Enabled"
    error_message = "clickstream-aws-us-east-1 must keep versions."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.profiles_eu_aws_eu_west_1.block_public_acls && aws_s3_bucket_public_access_block.profiles_eu_aws_eu_west_1.block_public_policy && aws_s3_bucket_public_access_block.profiles_eu_aws_eu_west_1.ignore_public_acls && aws_s3_bucket_public_access_block.profiles_eu_aws_eu_west_1.restrict_public_buckets
    error_message = "profiles-eu-aws-eu-west-1 must not be public."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.profiles_eu_aws_eu_west_1.rule : rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"])
    error_message = "profiles-eu-aws-eu-west-1 must be encrypted."
  }

  assert {
    condition     = aws_s3_bucket_versioning.profiles_eu_aws_eu_west_1.versioning_configuration[0].status == "Enabled"
    error_message = "profiles-eu-aws-eu-west-1 must keep versions."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.profiles_us_aws_us_east_1.block_public_acls && aws_s3_bucket_public_access_block.profiles_us_aws_us_east_1.block_public_policy && aws_s3_bucket_public_access_block.profiles_us_aws_us_east_1.ignore_public_acls && aws_s3_bucket_public_access_block.profiles_us_aws_us_east_1.restrict_public_buckets
    error_message = "profiles-us-aws-us-east-1 must not be public."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_server_side_encryption_configuration.profiles_us_aws_us_east_1.rule : rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"])
    error_message = "profiles-us-aws-us-east-1 must be encrypted."
  }

  assert {
    condition     = aws_s3_bucket_versioning.profiles_us_aws_us_east_1.versioning_configuration[0].status == "Enabled"
    error_message = "profiles-us-aws-us-east-1 must keep versions."
  }
}

run "buckets_age_and_are_copied" {
  command = plan

  assert {
    condition     = anytrue([for rule in aws_s3_bucket_lifecycle_configuration.clickstream_aws_us_east_1.rule : try(rule.status == "Enabled" && join(",", sort([for step in rule.transition : format("%d %s", step.days, step.storage_class)])) == "30 STANDARD_IA,365 DEEP_ARCHIVE,90 GLACIER_IR" && rule.expiration[0].days == 2556, false)])
    error_message = "clickstream-aws-us-east-1 must age as the estate says."
  }

  assert {
    condition     = anytrue([for rule in aws_s3_bucket_lifecycle_configuration.profiles_eu_aws_eu_west_1.rule : try(rule.status == "Enabled" && join(",", sort([for step in rule.transition : format("%d %s", step.days, step.storage_class)])) == "30 STANDARD_IA,90 GLACIER_IR", false)])
    error_message = "profiles-eu-aws-eu-west-1 must age as the estate says."
  }

  assert {
    condition     = anytrue([for rule in aws_s3_bucket_lifecycle_configuration.profiles_us_aws_us_east_1.rule : try(rule.status == "Enabled" && join(",", sort([for step in rule.transition : format("%d %s", step.days, step.storage_class)])) == "30 STANDARD_IA,90 GLACIER_IR", false)])
    error_message = "profiles-us-aws-us-east-1 must age as the estate says."
  }
}

run "data_stay_where_they_may_be" {
  command = plan

  assert {
    condition     = contains(["eu-west-1", "us-east-1", "us-west-2"], lower(aws_s3_bucket.clickstream_aws_us_east_1.region))
    error_message = "training must stay where it may be."
  }

  assert {
    condition     = contains(["eu-west-1"], lower(aws_s3_bucket.profiles_eu_aws_eu_west_1.region))
    error_message = "personal-eu must stay where it may be."
  }

  assert {
    condition     = contains(["us-east-1", "us-west-2"], lower(aws_s3_bucket.profiles_us_aws_us_east_1.region))
    error_message = "personal-us must stay where it may be."
  }
}
