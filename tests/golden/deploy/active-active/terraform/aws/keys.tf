# Keys at AWS: one for each site, with their rotation.
# From the estate active-active: encryption_keys, clouds.aws.sites.
# Written by polycloud render: change the estate, not this file.

resource "aws_kms_key" "data__eu_west_1" {
  region                  = "eu-west-1"
  description             = "Wraps the data keys of active-active at aws/eu-west-1."
  enable_key_rotation     = true
  rotation_period_in_days = 90
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Account"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:root"
        }
        Action   = ["kms:*"]
        Resource = "*"
      },
      {
        Sid    = "Logs"
        Effect = "Allow"
        Principal = {
          Service = "logs.eu-west-1.amazonaws.com"
        }
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = "arn:${data.aws_partition.this.partition}:logs:eu-west-1:${data.aws_caller_identity.this.account_id}:*"
          }
        }
        Action   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource = "*"
      },
      {
        Sid    = "Disks"
        Effect = "Allow"
        Principal = {
          AWS = "*"
        }
        Condition = {
          StringEquals = {
            "kms:CallerAccount" = data.aws_caller_identity.this.account_id
            "kms:ViaService"    = "ec2.eu-west-1.amazonaws.com"
          }
        }
        Action = [
          "kms:Encrypt",
          "kms:Decrypt",
          "kms:ReEncrypt*",
          "kms:GenerateDataKey*",
          "kms:DescribeKey",
          "kms:CreateGrant",
        ]
        Resource = "*"
      },
      {
        Sid    = "Trails"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Condition = {
          ArnLike = {
            "aws:SourceArn" = "arn:${data.aws_partition.this.partition}:cloudtrail:eu-west-1:${data.aws_caller_identity.this.account_id}:trail/*"
          }
        }
        Action   = ["kms:DescribeKey", "kms:GenerateDataKey*"]
        Resource = "*"
      },
    ]
  })
  # In a key's own policy * is this key; the account's own policies decide who of it may do what.
  # checkov:skip=CKV_AWS_33:The wildcard is bound to this account by way of EC2: scaling groups encrypt disks by a role of their own, which may not exist yet when the key is made.

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "data__eu_west_1" {
  region        = "eu-west-1"
  name          = "alias/polycloud/active-active/data"
  target_key_id = aws_kms_key.data__eu_west_1.key_id
}

resource "aws_kms_key" "data__us_east_1" {
  region                  = "us-east-1"
  description             = "Wraps the data keys of active-active at aws/us-east-1."
  enable_key_rotation     = true
  rotation_period_in_days = 90
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Account"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:root"
        }
        Action   = ["kms:*"]
        Resource = "*"
      },
      {
        Sid    = "Logs"
        Effect = "Allow"
        Principal = {
          Service = "logs.us-east-1.amazonaws.com"
        }
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = "arn:${data.aws_partition.this.partition}:logs:us-east-1:${data.aws_caller_identity.this.account_id}:*"
          }
        }
        Action   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource = "*"
      },
      {
        Sid    = "Disks"
        Effect = "Allow"
        Principal = {
          AWS = "*"
        }
        Condition = {
          StringEquals = {
            "kms:CallerAccount" = data.aws_caller_identity.this.account_id
            "kms:ViaService"    = "ec2.us-east-1.amazonaws.com"
          }
        }
        Action = [
          "kms:Encrypt",
          "kms:Decrypt",
          "kms:ReEncrypt*",
          "kms:GenerateDataKey*",
          "kms:DescribeKey",
          "kms:CreateGrant",
        ]
        Resource = "*"
      },
      {
        Sid    = "Trails"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Condition = {
          ArnLike = {
            "aws:SourceArn" = "arn:${data.aws_partition.this.partition}:cloudtrail:us-east-1:${data.aws_caller_identity.this.account_id}:trail/*"
          }
        }
        Action   = ["kms:DescribeKey", "kms:GenerateDataKey*"]
        Resource = "*"
      },
    ]
  })
  # In a key's own policy * is this key; the account's own policies decide who of it may do what.
  # checkov:skip=CKV_AWS_33:The wildcard is bound to this account by way of EC2: scaling groups encrypt disks by a role of their own, which may not exist yet when the key is made.

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "data__us_east_1" {
  region        = "us-east-1"
  name          = "alias/polycloud/active-active/data"
  target_key_id = aws_kms_key.data__us_east_1.key_id
}

resource "aws_kms_key" "data__us_west_2" {
  region                  = "us-west-2"
  description             = "Wraps the data keys of active-active at aws/us-west-2."
  enable_key_rotation     = true
  rotation_period_in_days = 90
  deletion_window_in_days = 30
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Account"
        Effect = "Allow"
        Principal = {
          AWS = "arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:root"
        }
        Action   = ["kms:*"]
        Resource = "*"
      },
      {
        Sid    = "Logs"
        Effect = "Allow"
        Principal = {
          Service = "logs.us-west-2.amazonaws.com"
        }
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = "arn:${data.aws_partition.this.partition}:logs:us-west-2:${data.aws_caller_identity.this.account_id}:*"
          }
        }
        Action   = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
        Resource = "*"
      },
      {
        Sid    = "Disks"
        Effect = "Allow"
        Principal = {
          AWS = "*"
        }
        Condition = {
          StringEquals = {
            "kms:CallerAccount" = data.aws_caller_identity.this.account_id
            "kms:ViaService"    = "ec2.us-west-2.amazonaws.com"
          }
        }
        Action = [
          "kms:Encrypt",
          "kms:Decrypt",
          "kms:ReEncrypt*",
          "kms:GenerateDataKey*",
          "kms:DescribeKey",
          "kms:CreateGrant",
        ]
        Resource = "*"
      },
    ]
  })
  # In a key's own policy * is this key; the account's own policies decide who of it may do what.
  # checkov:skip=CKV_AWS_33:The wildcard is bound to this account by way of EC2: scaling groups encrypt disks by a role of their own, which may not exist yet when the key is made.

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_kms_alias" "data__us_west_2" {
  region        = "us-west-2"
  name          = "alias/polycloud/active-active/data"
  target_key_id = aws_kms_key.data__us_west_2.key_id
}
