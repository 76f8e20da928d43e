# Models at AWS (Bedrock): access, profiles, throughput, logs.
# From the estate active-active: models.
# Written by polycloud render: change the estate, not this file.

resource "aws_bedrock_inference_profile" "nova_lite__eu_west_1__eu" {
  region      = "eu-west-1"
  name        = "active-active-nova-lite-eu-west-1-eu"
  description = "nova-lite of active-active."
  tags = {
    model = "nova-lite"
  }

  model_source {
    copy_from = "arn:${data.aws_partition.this.partition}:bedrock:eu-west-1:${data.aws_caller_identity.this.account_id}:inference-profile/eu.amazon.nova-lite-v1:0"
  }
}

resource "aws_bedrock_inference_profile" "assistant__eu_west_1__eu" {
  region      = "eu-west-1"
  name        = "active-active-assistant-eu-west-1-eu"
  description = "assistant of active-active."
  tags = {
    model = "assistant"
  }

  model_source {
    copy_from = "arn:${data.aws_partition.this.partition}:bedrock:eu-west-1:${data.aws_caller_identity.this.account_id}:inference-profile/eu.anthropic.claude-sonnet-4-6"
  }
}

resource "aws_bedrock_inference_profile" "nova_lite__us_east_1__us" {
  region      = "us-east-1"
  name        = "active-active-nova-lite-us-east-1-us"
  description = "nova-lite of active-active."
  tags = {
    model = "nova-lite"
  }

  model_source {
    copy_from = "arn:${data.aws_partition.this.partition}:bedrock:us-east-1:${data.aws_caller_identity.this.account_id}:inference-profile/us.amazon.nova-lite-v1:0"
  }
}

resource "aws_bedrock_inference_profile" "assistant__us_east_1__us" {
  region      = "us-east-1"
  name        = "active-active-assistant-us-east-1-us"
  description = "assistant of active-active."
  tags = {
    model = "assistant"
  }

  model_source {
    copy_from = "arn:${data.aws_partition.this.partition}:bedrock:us-east-1:${data.aws_caller_identity.this.account_id}:inference-profile/us.anthropic.claude-sonnet-4-6"
  }
}

resource "aws_bedrock_inference_profile" "nova_lite__us_west_2__us" {
  region      = "us-west-2"
  name        = "active-active-nova-lite-us-west-2-us"
  description = "nova-lite of active-active."
  tags = {
    model = "nova-lite"
  }

  model_source {
    copy_from = "arn:${data.aws_partition.this.partition}:bedrock:us-west-2:${data.aws_caller_identity.this.account_id}:inference-profile/us.amazon.nova-lite-v1:0"
  }
}

resource "aws_bedrock_inference_profile" "claude_sonnet__us_west_2__us" {
  region      = "us-west-2"
  name        = "active-active-claude-sonnet-us-west-2-us"
  description = "claude-sonnet of active-active."
  tags = {
    model = "claude-sonnet"
  }

  model_source {
    copy_from = "arn:${data.aws_partition.this.partition}:bedrock:us-west-2:${data.aws_caller_identity.this.account_id}:inference-profile/us.anthropic.claude-sonnet-4-6"
  }
}

resource "aws_bedrock_use_case_for_model_access" "this" {
  count     = var.bedrock_use_case == "" ? 0 : 1
  form_data = base64encode(var.bedrock_use_case)
}

resource "aws_iam_role" "bedrock_logs" {
  name        = "active-active-bedrock-logs"
  description = "Bedrock's own log of calls."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "bedrock.amazonaws.com"
        }
        Action = ["sts:AssumeRole"]
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.this.account_id
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "bedrock_logs" {
  name = "bedrock-logs"
  role = aws_iam_role.bedrock_logs.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:${data.aws_partition.this.partition}:logs:*:${data.aws_caller_identity.this.account_id}:log-group:/polycloud/active-active/models:log-stream:aws/bedrock/modelinvocations"
      },
    ]
  })
}

resource "aws_cloudwatch_log_group" "models_eu_west_1" {
  region            = "eu-west-1"
  name              = "/polycloud/active-active/models"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.data__eu_west_1.arn
}

resource "aws_bedrock_model_invocation_logging_configuration" "eu_west_1" {
  region     = "eu-west-1"
  depends_on = [aws_iam_role_policy.bedrock_logs]

  logging_config {
    embedding_data_delivery_enabled = var.bedrock_log_texts
    image_data_delivery_enabled     = var.bedrock_log_texts
    text_data_delivery_enabled      = var.bedrock_log_texts
    video_data_delivery_enabled     = var.bedrock_log_texts

    cloudwatch_config {
      log_group_name = aws_cloudwatch_log_group.models_eu_west_1.name
      role_arn       = aws_iam_role.bedrock_logs.arn
    }
  }
}

resource "aws_cloudwatch_log_group" "models_us_east_1" {
  region            = "us-east-1"
  name              = "/polycloud/active-active/models"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.data__us_east_1.arn
}

resource "aws_bedrock_model_invocation_logging_configuration" "us_east_1" {
  region     = "us-east-1"
  depends_on = [aws_iam_role_policy.bedrock_logs]

  logging_config {
    embedding_data_delivery_enabled = var.bedrock_log_texts
    image_data_delivery_enabled     = var.bedrock_log_texts
    text_data_delivery_enabled      = var.bedrock_log_texts
    video_data_delivery_enabled     = var.bedrock_log_texts

    cloudwatch_config {
      log_group_name = aws_cloudwatch_log_group.models_us_east_1.name
      role_arn       = aws_iam_role.bedrock_logs.arn
    }
  }
}

resource "aws_cloudwatch_log_group" "models_us_west_2" {
  region            = "us-west-2"
  name              = "/polycloud/active-active/models"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.data__us_west_2.arn
}

resource "aws_bedrock_model_invocation_logging_configuration" "us_west_2" {
  region     = "us-west-2"
  depends_on = [aws_iam_role_policy.bedrock_logs]

  logging_config {
    embedding_data_delivery_enabled = var.bedrock_log_texts
    image_data_delivery_enabled     = var.bedrock_log_texts
    text_data_delivery_enabled      = var.bedrock_log_texts
    video_data_delivery_enabled     = var.bedrock_log_texts

    cloudwatch_config {
      log_group_name = aws_cloudwatch_log_group.models_us_west_2.name
      role_arn       = aws_iam_role.bedrock_logs.arn
    }
  }
}

resource "aws_iam_role" "gateway" {
  name        = "active-active-gateway"
  description = "The gateway: calls models."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([{ Effect = "Allow", Principal = { Service = "pods.eks.amazonaws.com" }, Action = ["sts:AssumeRole", "sts:TagSession"] }], [for name, issuer in var.cluster_issuers : {
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.clusters[name].arn }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = { StringEquals = {
        "${trimprefix(issuer, "https://")}:aud" = "sts.amazonaws.com"
        "${trimprefix(issuer, "https://")}:sub" = "system:serviceaccount:polycloud:polycloud"
      } }
    } if contains(["azure-eastus", "azure-westeurope", "gcp-asia-east1", "gcp-europe-west1", "gcp-us-central1"], name)])
  })
}

resource "aws_iam_role_policy" "gateway" {
  name = "gateway"
  role = aws_iam_role.gateway.id
  policy = jsonencode({
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
    ]
  })
}

resource "aws_eks_pod_identity_association" "gateway_aws_eu_west_1" {
  region          = "eu-west-1"
  cluster_name    = aws_eks_cluster.aws_eu_west_1.name
  namespace       = "polycloud"
  service_account = "polycloud"
  role_arn        = aws_iam_role.gateway.arn
}

resource "aws_eks_pod_identity_association" "gateway_aws_us_east_1" {
  region          = "us-east-1"
  cluster_name    = aws_eks_cluster.aws_us_east_1.name
  namespace       = "polycloud"
  service_account = "polycloud"
  role_arn        = aws_iam_role.gateway.arn
}

resource "aws_eks_pod_identity_association" "gateway_aws_us_west_2" {
  region          = "us-west-2"
  cluster_name    = aws_eks_cluster.aws_us_west_2.name
  namespace       = "polycloud"
  service_account = "polycloud"
  role_arn        = aws_iam_role.gateway.arn
}
