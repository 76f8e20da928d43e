# Roles and trusted token issuers at AWS.
# From the estate active-active: roles, identity.
# Written by polycloud render: change the estate, not this file.

resource "aws_iam_openid_connect_provider" "clusters" {
  for_each       = var.cluster_issuers
  url            = each.value
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_ssoadmin_permission_set" "role__analysts" {
  name             = "analysts"
  instance_arn     = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  session_duration = "PT480M"
}

resource "aws_ssoadmin_permission_set_inline_policy" "role__analysts" {
  instance_arn       = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  permission_set_arn = aws_ssoadmin_permission_set.role__analysts.arn
  inline_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Models"
        Effect = "Allow"
        Action = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
        Resource = [
          "arn:${data.aws_partition.this.partition}:bedrock:eu-west-1:${data.aws_caller_identity.this.account_id}:inference-profile/eu.amazon.nova-lite-v1:0",
          "arn:${data.aws_partition.this.partition}:bedrock:eu-west-1:${data.aws_caller_identity.this.account_id}:inference-profile/eu.anthropic.claude-sonnet-4-6",
          "arn:${data.aws_partition.this.partition}:bedrock:us-east-1:${data.aws_caller_identity.this.account_id}:inference-profile/us.amazon.nova-lite-v1:0",
          "arn:${data.aws_partition.this.partition}:bedrock:us-east-1:${data.aws_caller_identity.this.account_id}:inference-profile/us.anthropic.claude-sonnet-4-6",
          "arn:${data.aws_partition.this.partition}:bedrock:us-west-2:${data.aws_caller_identity.this.account_id}:inference-profile/us.amazon.nova-lite-v1:0",
          "arn:${data.aws_partition.this.partition}:bedrock:us-west-2:${data.aws_caller_identity.this.account_id}:inference-profile/us.anthropic.claude-sonnet-4-6",
          aws_bedrock_inference_profile.assistant__eu_west_1__eu.arn,
          aws_bedrock_inference_profile.assistant__us_east_1__us.arn,
          aws_bedrock_inference_profile.claude_sonnet__us_west_2__us.arn,
          aws_bedrock_inference_profile.nova_lite__eu_west_1__eu.arn,
          aws_bedrock_inference_profile.nova_lite__us_east_1__us.arn,
          aws_bedrock_inference_profile.nova_lite__us_west_2__us.arn,
        ]
      },
      {
        Sid    = "ByProfile"
        Effect = "Allow"
        Condition = {
          ArnLike = {
            "bedrock:InferenceProfileArn" = [
              "arn:${data.aws_partition.this.partition}:bedrock:eu-west-1:${data.aws_caller_identity.this.account_id}:inference-profile/eu.amazon.nova-lite-v1:0",
              "arn:${data.aws_partition.this.partition}:bedrock:eu-west-1:${data.aws_caller_identity.this.account_id}:inference-profile/eu.anthropic.claude-sonnet-4-6",
              "arn:${data.aws_partition.this.partition}:bedrock:us-east-1:${data.aws_caller_identity.this.account_id}:inference-profile/us.amazon.nova-lite-v1:0",
              "arn:${data.aws_partition.this.partition}:bedrock:us-east-1:${data.aws_caller_identity.this.account_id}:inference-profile/us.anthropic.claude-sonnet-4-6",
              "arn:${data.aws_partition.this.partition}:bedrock:us-west-2:${data.aws_caller_identity.this.account_id}:inference-profile/us.amazon.nova-lite-v1:0",
              "arn:${data.aws_partition.this.partition}:bedrock:us-west-2:${data.aws_caller_identity.this.account_id}:inference-profile/us.anthropic.claude-sonnet-4-6",
              aws_bedrock_inference_profile.assistant__eu_west_1__eu.arn,
              aws_bedrock_inference_profile.assistant__us_east_1__us.arn,
              aws_bedrock_inference_profile.claude_sonnet__us_west_2__us.arn,
              aws_bedrock_inference_profile.nova_lite__eu_west_1__eu.arn,
              aws_bedrock_inference_profile.nova_lite__us_east_1__us.arn,
              aws_bedrock_inference_profile.nova_lite__us_west_2__us.arn,
            ]
          }
        }
        Action = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
        Resource = [
          "arn:${data.aws_partition.this.partition}:bedrock:*::foundation-model/amazon.nova-lite-v1:0",
          "arn:${data.aws_partition.this.partition}:bedrock:*::foundation-model/anthropic.claude-sonnet-4-6",
        ]
      },
      {
        Sid      = "ListBuckets"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = ["arn:${data.aws_partition.this.partition}:s3:::active-active-clickstream-us-east-1"]
      },
      {
        Sid      = "ReadObjects"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["arn:${data.aws_partition.this.partition}:s3:::active-active-clickstream-us-east-1/*"]
      },
      {
        Sid    = "ReadKeys"
        Effect = "Allow"
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.us-east-1.amazonaws.com"]
          }
        }
        Action   = ["kms:Decrypt"]
        Resource = [aws_kms_key.data__us_east_1.arn]
      },
      {
        Sid      = "SecondFactor"
        Effect   = "Deny"
        Action   = ["*"]
        Resource = ["*"]
        Condition = {
          StringNotEquals = {
            "aws:PrincipalTag/second-factor" = ["mfa"]
          }
        }
      },
    ]
  })
}

data "aws_identitystore_group" "role__analysts__group__analysts" {
  identity_store_id = tolist(data.aws_ssoadmin_instances.this.identity_store_ids)[0]

  alternate_identifier {
    unique_attribute {
      attribute_path  = "DisplayName"
      attribute_value = "analysts"
    }
  }
}

resource "aws_ssoadmin_account_assignment" "role__analysts__group__analysts" {
  instance_arn       = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  permission_set_arn = aws_ssoadmin_permission_set.role__analysts.arn
  principal_type     = "GROUP"
  principal_id       = data.aws_identitystore_group.role__analysts__group__analysts.group_id
  target_type        = "AWS_ACCOUNT"
  target_id          = data.aws_caller_identity.this.account_id
}

resource "aws_ssoadmin_permission_set" "role__auditors" {
  name             = "auditors"
  instance_arn     = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  session_duration = "PT480M"
}

resource "aws_ssoadmin_permission_set_inline_policy" "role__auditors" {
  instance_arn       = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  permission_set_arn = aws_ssoadmin_permission_set.role__auditors.arn
  inline_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AuditBuckets"
        Effect = "Allow"
        Action = [
          "s3:GetBucketPolicy",
          "s3:GetEncryptionConfiguration",
          "s3:GetLifecycleConfiguration",
          "s3:GetBucketVersioning",
          "s3:GetReplicationConfiguration",
          "s3:GetBucketLogging",
        ]
        Resource = [
          "arn:${data.aws_partition.this.partition}:s3:::active-active-clickstream-us-east-1",
          "arn:${data.aws_partition.this.partition}:s3:::active-active-profiles-eu-eu-west-1",
          "arn:${data.aws_partition.this.partition}:s3:::active-active-profiles-us-us-east-1",
        ]
      },
      {
        Sid    = "AuditClusters"
        Effect = "Allow"
        Action = ["eks:DescribeCluster", "eks:ListNodegroups"]
        Resource = [
          aws_eks_cluster.aws_eu_west_1.arn,
          aws_eks_cluster.aws_us_east_1.arn,
          aws_eks_cluster.aws_us_west_2.arn,
        ]
      },
      {
        Sid    = "AuditLogs"
        Effect = "Allow"
        Action = ["logs:FilterLogEvents", "logs:GetLogEvents"]
        Resource = [
          "arn:${data.aws_partition.this.partition}:logs:us-east-1:${data.aws_caller_identity.this.account_id}:log-group:/polycloud/active-active/*",
          "arn:${data.aws_partition.this.partition}:logs:eu-west-1:${data.aws_caller_identity.this.account_id}:log-group:/polycloud/active-active/*",
          "arn:${data.aws_partition.this.partition}:logs:us-west-2:${data.aws_caller_identity.this.account_id}:log-group:/polycloud/active-active/*",
          "${aws_cloudwatch_log_group.eks_aws_eu_west_1.arn}:*",
          "${aws_cloudwatch_log_group.eks_aws_us_east_1.arn}:*",
          "${aws_cloudwatch_log_group.eks_aws_us_west_2.arn}:*",
        ]
      },
      {
        Sid    = "ReachClusters"
        Effect = "Allow"
        Action = ["eks:DescribeCluster"]
        Resource = [
          aws_eks_cluster.aws_eu_west_1.arn,
          aws_eks_cluster.aws_us_east_1.arn,
          aws_eks_cluster.aws_us_west_2.arn,
        ]
      },
      {
        Sid      = "SecondFactor"
        Effect   = "Deny"
        Action   = ["*"]
        Resource = ["*"]
        Condition = {
          StringNotEquals = {
            "aws:PrincipalTag/second-factor" = ["mfa"]
          }
        }
      },
    ]
  })
}

data "aws_identitystore_group" "role__auditors__group__audit" {
  identity_store_id = tolist(data.aws_ssoadmin_instances.this.identity_store_ids)[0]

  alternate_identifier {
    unique_attribute {
      attribute_path  = "DisplayName"
      attribute_value = "audit"
    }
  }
}

resource "aws_ssoadmin_account_assignment" "role__auditors__group__audit" {
  instance_arn       = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  permission_set_arn = aws_ssoadmin_permission_set.role__auditors.arn
  principal_type     = "GROUP"
  principal_id       = data.aws_identitystore_group.role__auditors__group__audit.group_id
  target_type        = "AWS_ACCOUNT"
  target_id          = data.aws_caller_identity.this.account_id
}

resource "aws_eks_access_entry" "role__auditors__aws_eu_west_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "auditors", "")]))
  region        = "eu-west-1"
  cluster_name  = aws_eks_cluster.aws_eu_west_1.name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "role__auditors__audit__aws_eu_west_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "auditors", "")]))
  region        = "eu-west-1"
  cluster_name  = aws_eks_cluster.aws_eu_west_1.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"

  access_scope {
    type = "cluster"
  }
}

resource "aws_eks_access_entry" "role__auditors__aws_us_east_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "auditors", "")]))
  region        = "us-east-1"
  cluster_name  = aws_eks_cluster.aws_us_east_1.name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "role__auditors__audit__aws_us_east_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "auditors", "")]))
  region        = "us-east-1"
  cluster_name  = aws_eks_cluster.aws_us_east_1.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"

  access_scope {
    type = "cluster"
  }
}

resource "aws_eks_access_entry" "role__auditors__aws_us_west_2" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "auditors", "")]))
  region        = "us-west-2"
  cluster_name  = aws_eks_cluster.aws_us_west_2.name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "role__auditors__audit__aws_us_west_2" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "auditors", "")]))
  region        = "us-west-2"
  cluster_name  = aws_eks_cluster.aws_us_west_2.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"

  access_scope {
    type = "cluster"
  }
}

resource "aws_ssoadmin_permission_set" "role__keepers_eu" {
  name             = "keepers-eu"
  instance_arn     = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  session_duration = "PT480M"
}

resource "aws_ssoadmin_permission_set_inline_policy" "role__keepers_eu" {
  instance_arn       = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  permission_set_arn = aws_ssoadmin_permission_set.role__keepers_eu.arn
  inline_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "DeleteObjects"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject"]
        Resource = ["arn:${data.aws_partition.this.partition}:s3:::active-active-profiles-eu-eu-west-1/*"]
      },
      {
        Sid      = "ListBuckets"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = ["arn:${data.aws_partition.this.partition}:s3:::active-active-profiles-eu-eu-west-1"]
      },
      {
        Sid      = "ReadObjects"
        Effect   = "Allow"
        Action   = ["s3:GetObject"]
        Resource = ["arn:${data.aws_partition.this.partition}:s3:::active-active-profiles-eu-eu-west-1/*"]
      },
      {
        Sid    = "ReadKeys"
        Effect = "Allow"
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.eu-west-1.amazonaws.com"]
          }
        }
        Action   = ["kms:Decrypt"]
        Resource = [aws_kms_key.data__eu_west_1.arn]
      },
      {
        Sid      = "WriteObjects"
        Effect   = "Allow"
        Action   = ["s3:PutObject"]
        Resource = ["arn:${data.aws_partition.this.partition}:s3:::active-active-profiles-eu-eu-west-1/*"]
      },
      {
        Sid    = "WriteKeys"
        Effect = "Allow"
        Condition = {
          StringEquals = {
            "kms:ViaService" = ["s3.eu-west-1.amazonaws.com"]
          }
        }
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [aws_kms_key.data__eu_west_1.arn]
      },
      {
        Sid      = "SecondFactor"
        Effect   = "Deny"
        Action   = ["*"]
        Resource = ["*"]
        Condition = {
          StringNotEquals = {
            "aws:PrincipalTag/second-factor" = ["mfa"]
          }
        }
      },
    ]
  })
}

data "aws_identitystore_group" "role__keepers_eu__group__privacy" {
  identity_store_id = tolist(data.aws_ssoadmin_instances.this.identity_store_ids)[0]

  alternate_identifier {
    unique_attribute {
      attribute_path  = "DisplayName"
      attribute_value = "privacy"
    }
  }
}

resource "aws_ssoadmin_account_assignment" "role__keepers_eu__group__privacy" {
  instance_arn       = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  permission_set_arn = aws_ssoadmin_permission_set.role__keepers_eu.arn
  principal_type     = "GROUP"
  principal_id       = data.aws_identitystore_group.role__keepers_eu__group__privacy.group_id
  target_type        = "AWS_ACCOUNT"
  target_id          = data.aws_caller_identity.this.account_id
}

resource "aws_ssoadmin_permission_set" "role__operators" {
  name             = "operators"
  instance_arn     = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  session_duration = "PT480M"
}

resource "aws_ssoadmin_permission_set_inline_policy" "role__operators" {
  instance_arn       = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  permission_set_arn = aws_ssoadmin_permission_set.role__operators.arn
  inline_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "AdministerBuckets"
        Effect = "Allow"
        Action = [
          "s3:GetBucketPolicy",
          "s3:GetEncryptionConfiguration",
          "s3:GetLifecycleConfiguration",
          "s3:GetBucketVersioning",
          "s3:GetReplicationConfiguration",
          "s3:GetBucketLogging",
        ]
        Resource = [
          "arn:${data.aws_partition.this.partition}:s3:::active-active-clickstream-us-east-1",
          "arn:${data.aws_partition.this.partition}:s3:::active-active-profiles-eu-eu-west-1",
          "arn:${data.aws_partition.this.partition}:s3:::active-active-profiles-us-us-east-1",
        ]
      },
      {
        Sid    = "AdministerClusters"
        Effect = "Allow"
        Action = [
          "eks:DescribeCluster",
          "eks:ListNodegroups",
          "eks:UpdateClusterConfig",
          "eks:UpdateClusterVersion",
        ]
        Resource = [
          aws_eks_cluster.aws_eu_west_1.arn,
          aws_eks_cluster.aws_us_east_1.arn,
          aws_eks_cluster.aws_us_west_2.arn,
        ]
      },
      {
        Sid    = "ReachClusters"
        Effect = "Allow"
        Action = ["eks:DescribeCluster"]
        Resource = [
          aws_eks_cluster.aws_eu_west_1.arn,
          aws_eks_cluster.aws_us_east_1.arn,
          aws_eks_cluster.aws_us_west_2.arn,
        ]
      },
      {
        Sid      = "SecondFactor"
        Effect   = "Deny"
        Action   = ["*"]
        Resource = ["*"]
        Condition = {
          StringNotEquals = {
            "aws:PrincipalTag/second-factor" = ["mfa"]
          }
        }
      },
    ]
  })
}

data "aws_identitystore_group" "role__operators__group__platform" {
  identity_store_id = tolist(data.aws_ssoadmin_instances.this.identity_store_ids)[0]

  alternate_identifier {
    unique_attribute {
      attribute_path  = "DisplayName"
      attribute_value = "platform"
    }
  }
}

resource "aws_ssoadmin_account_assignment" "role__operators__group__platform" {
  instance_arn       = tolist(data.aws_ssoadmin_instances.this.arns)[0]
  permission_set_arn = aws_ssoadmin_permission_set.role__operators.arn
  principal_type     = "GROUP"
  principal_id       = data.aws_identitystore_group.role__operators__group__platform.group_id
  target_type        = "AWS_ACCOUNT"
  target_id          = data.aws_caller_identity.this.account_id
}

resource "aws_eks_access_entry" "role__operators__aws_eu_west_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "eu-west-1"
  cluster_name  = aws_eks_cluster.aws_eu_west_1.name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "role__operators__administer__aws_eu_west_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "eu-west-1"
  cluster_name  = aws_eks_cluster.aws_eu_west_1.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

resource "aws_eks_access_entry" "role__operators__aws_us_east_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "us-east-1"
  cluster_name  = aws_eks_cluster.aws_us_east_1.name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "role__operators__administer__aws_us_east_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "us-east-1"
  cluster_name  = aws_eks_cluster.aws_us_east_1.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

resource "aws_eks_access_entry" "role__operators__aws_us_west_2" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "us-west-2"
  cluster_name  = aws_eks_cluster.aws_us_west_2.name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "role__operators__administer__aws_us_west_2" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "us-west-2"
  cluster_name  = aws_eks_cluster.aws_us_west_2.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"

  access_scope {
    type = "cluster"
  }
}

resource "aws_eks_access_policy_association" "role__operators__deploy__aws_eu_west_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "eu-west-1"
  cluster_name  = aws_eks_cluster.aws_eu_west_1.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"

  access_scope {
    type       = "namespace"
    namespaces = ["workloads"]
  }
}

resource "aws_eks_access_policy_association" "role__operators__deploy__aws_us_east_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "us-east-1"
  cluster_name  = aws_eks_cluster.aws_us_east_1.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"

  access_scope {
    type       = "namespace"
    namespaces = ["workloads"]
  }
}

resource "aws_eks_access_policy_association" "role__operators__deploy__aws_us_west_2" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "us-west-2"
  cluster_name  = aws_eks_cluster.aws_us_west_2.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"

  access_scope {
    type       = "namespace"
    namespaces = ["workloads"]
  }
}

resource "aws_eks_access_policy_association" "role__operators__run__aws_eu_west_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "eu-west-1"
  cluster_name  = aws_eks_cluster.aws_eu_west_1.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"

  access_scope {
    type       = "namespace"
    namespaces = ["workloads"]
  }
}

resource "aws_eks_access_policy_association" "role__operators__run__aws_us_east_1" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "us-east-1"
  cluster_name  = aws_eks_cluster.aws_us_east_1.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"

  access_scope {
    type       = "namespace"
    namespaces = ["workloads"]
  }
}

resource "aws_eks_access_policy_association" "role__operators__run__aws_us_west_2" {
  for_each      = toset(compact([lookup(var.sso_role_arns, "operators", "")]))
  region        = "us-west-2"
  cluster_name  = aws_eks_cluster.aws_us_west_2.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"

  access_scope {
    type       = "namespace"
    namespaces = ["workloads"]
  }
}

data "aws_ssoadmin_instances" "this" {}

resource "aws_ssoadmin_instance_access_control_attributes" "this" {
  instance_arn = tolist(data.aws_ssoadmin_instances.this.arns)[0]

  attribute {
    key = "email"

    value {
      source = ["$${path:emails[primary eq true].value}"]
    }
  }

  attribute {
    key = "department"

    value {
      source = ["$${path:enterprise.department}"]
    }
  }

  attribute {
    key = "cost_center"

    value {
      source = ["$${path:enterprise.costCenter}"]
    }
  }
}
