# Buckets at AWS, with who may see them, how they age and where they are copied.
# From the estate sandbox: datasets, stores.
# Written by polycloud render: change the estate, not this file.

resource "aws_s3_bucket" "access_logs_eu_central_1" {
  region = "eu-central-1"
  bucket = "sandbox-access-logs-eu-central-1"
  # checkov:skip=CKV_AWS_18:Logs of the log bucket would log themselves.
  # checkov:skip=CKV_AWS_144:Logs stay where what they tell of is.
  # checkov:skip=CKV_AWS_145:S3 delivers access logs only to buckets with its own encryption.
  # checkov:skip=CKV2_AWS_62:Nothing waits for events of this bucket.

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "access_logs_eu_central_1" {
  region = "eu-central-1"
  bucket = aws_s3_bucket.access_logs_eu_central_1.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "access_logs_eu_central_1" {
  region = "eu-central-1"
  bucket = aws_s3_bucket.access_logs_eu_central_1.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "access_logs_eu_central_1" {
  region                  = "eu-central-1"
  bucket                  = aws_s3_bucket.access_logs_eu_central_1.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "access_logs_eu_central_1" {
  region = "eu-central-1"
  bucket = aws_s3_bucket.access_logs_eu_central_1.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "access_logs_eu_central_1" {
  region = "eu-central-1"
  bucket = aws_s3_bucket.access_logs_eu_central_1.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyByTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource = [
          aws_s3_bucket.access_logs_eu_central_1.arn,
          "${aws_s3_bucket.access_logs_eu_central_1.arn}/*",
        ]
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
      },
      {
        Sid    = "Delivery"
        Effect = "Allow"
        Principal = {
          Service = "logging.s3.amazonaws.com"
        }
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.this.account_id
          }
        }
        Action   = ["s3:PutObject"]
        Resource = "${aws_s3_bucket.access_logs_eu_central_1.arn}/*"
      },
      {
        Sid    = "TrailLooks"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Condition = {
          StringEquals = {
            "aws:SourceArn" = "arn:${data.aws_partition.this.partition}:cloudtrail:eu-central-1:${data.aws_caller_identity.this.account_id}:trail/sandbox-objects"
          }
        }
        Action   = ["s3:GetBucketAcl"]
        Resource = aws_s3_bucket.access_logs_eu_central_1.arn
      },
      {
        Sid    = "TrailWrites"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Condition = {
          StringEquals = {
            "aws:SourceArn" = "arn:${data.aws_partition.this.partition}:cloudtrail:eu-central-1:${data.aws_caller_identity.this.account_id}:trail/sandbox-objects"
          }
        }
        Action   = ["s3:PutObject"]
        Resource = "${aws_s3_bucket.access_logs_eu_central_1.arn}/objects/AWSLogs/${data.aws_caller_identity.this.account_id}/*"
      },
    ]
  })
}

resource "aws_s3_bucket_lifecycle_configuration" "access_logs_eu_central_1" {
  region = "eu-central-1"
  bucket = aws_s3_bucket.access_logs_eu_central_1.id

  rule {
    id     = "age"
    status = "Enabled"

    filter {}

    expiration {
      days = 400
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_cloudtrail" "objects_eu_central_1" {
  region                     = "eu-central-1"
  name                       = "sandbox-objects"
  s3_bucket_name             = aws_s3_bucket.access_logs_eu_central_1.id
  s3_key_prefix              = "objects"
  kms_key_id                 = aws_kms_key.data__eu_central_1.arn
  enable_log_file_validation = true
  is_multi_region_trail      = false
  depends_on                 = [aws_s3_bucket_policy.access_logs_eu_central_1]
  # checkov:skip=CKV_AWS_67:A trail for each site: what is read in a region is told in that region alone.
  # checkov:skip=CKV_AWS_252:Nothing waits for notices of this trail.
  # checkov:skip=CKV2_AWS_10:It is evidence; alarms come from the gateway and the mesh.

  advanced_event_selector {
    name = "Objects of classes that ask for audit"

    field_selector {
      field  = "eventCategory"
      equals = ["Data"]
    }

    field_selector {
      field  = "resources.type"
      equals = ["AWS::S3::Object"]
    }

    field_selector {
      field       = "resources.ARN"
      starts_with = ["${aws_s3_bucket.tickets_aws_eu_central_1.arn}/"]
    }
  }
}

resource "aws_s3_bucket" "access_logs_us_east_1" {
  region = "us-east-1"
  bucket = "sandbox-access-logs-us-east-1"
  # checkov:skip=CKV_AWS_18:Logs of the log bucket would log themselves.
  # checkov:skip=CKV_AWS_144:Logs stay where what they tell of is.
  # checkov:skip=CKV_AWS_145:S3 delivers access logs only to buckets with its own encryption.
  # checkov:skip=CKV2_AWS_62:Nothing waits for events of this bucket.

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "access_logs_us_east_1" {
  region = "us-east-1"
  bucket = aws_s3_bucket.access_logs_us_east_1.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "access_logs_us_east_1" {
  region = "us-east-1"
  bucket = aws_s3_bucket.access_logs_us_east_1.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "access_logs_us_east_1" {
  region                  = "us-east-1"
  bucket                  = aws_s3_bucket.access_logs_us_east_1.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "access_logs_us_east_1" {
  region = "us-east-1"
  bucket = aws_s3_bucket.access_logs_us_east_1.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "access_logs_us_east_1" {
  region = "us-east-1"
  bucket = aws_s3_bucket.access_logs_us_east_1.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyByTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.access_logs_us_east_1.arn, "${aws_s3_bucket.access_logs_us_east_1.arn}/*"]
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
      },
      {
        Sid    = "Delivery"
        Effect = "Allow"
        Principal = {
          Service = "logging.s3.amazonaws.com"
        }
        Condition = {
          StringEquals = {
            "aws:SourceAccount" = data.aws_caller_identity.this.account_id
          }
        }
        Action   = ["s3:PutObject"]
        Resource = "${aws_s3_bucket.access_logs_us_east_1.arn}/*"
      },
      {
        Sid    = "TrailLooks"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Condition = {
          StringEquals = {
            "aws:SourceArn" = "arn:${data.aws_partition.this.partition}:cloudtrail:us-east-1:${data.aws_caller_identity.this.account_id}:trail/sandbox-objects"
          }
        }
        Action   = ["s3:GetBucketAcl"]
        Resource = aws_s3_bucket.access_logs_us_east_1.arn
      },
      {
        Sid    = "TrailWrites"
        Effect = "Allow"
        Principal = {
          Service = "cloudtrail.amazonaws.com"
        }
        Condition = {
          StringEquals = {
            "aws:SourceArn" = "arn:${data.aws_partition.this.partition}:cloudtrail:us-east-1:${data.aws_caller_identity.this.account_id}:trail/sandbox-objects"
          }
        }
        Action   = ["s3:PutObject"]
        Resource = "${aws_s3_bucket.access_logs_us_east_1.arn}/objects/AWSLogs/${data.aws_caller_identity.this.account_id}/*"
      },
    ]
  })
}

resource "aws_s3_bucket_lifecycle_configuration" "access_logs_us_east_1" {
  region = "us-east-1"
  bucket = aws_s3_bucket.access_logs_us_east_1.id

  rule {
    id     = "age"
    status = "Enabled"

    filter {}

    expiration {
      days = 400
    }

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket" "clicks_aws_us_east_1" {
  region = "us-east-1"
  bucket = "sandbox-clicks-us-east-1"
  tags = {
    data-class = "training"
  }
  # checkov:skip=CKV_AWS_144:Where copies are is the estate's decision, bound by its data classes.
  # checkov:skip=CKV2_AWS_62:Nothing waits for events of this bucket.

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "clicks_aws_us_east_1" {
  region = "us-east-1"
  bucket = aws_s3_bucket.clicks_aws_us_east_1.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "clicks_aws_us_east_1" {
  region = "us-east-1"
  bucket = aws_s3_bucket.clicks_aws_us_east_1.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.data__us_east_1.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "clicks_aws_us_east_1" {
  region                  = "us-east-1"
  bucket                  = aws_s3_bucket.clicks_aws_us_east_1.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "clicks_aws_us_east_1" {
  region = "us-east-1"
  bucket = aws_s3_bucket.clicks_aws_us_east_1.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "clicks_aws_us_east_1" {
  region = "us-east-1"
  bucket = aws_s3_bucket.clicks_aws_us_east_1.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyByTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.clicks_aws_us_east_1.arn, "${aws_s3_bucket.clicks_aws_us_east_1.arn}/*"]
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
      },
    ]
  })
}

resource "aws_s3_bucket_logging" "clicks_aws_us_east_1" {
  region        = "us-east-1"
  bucket        = aws_s3_bucket.clicks_aws_us_east_1.id
  target_bucket = aws_s3_bucket.access_logs_us_east_1.id
  target_prefix = "clicks-aws-us-east-1/"
}

resource "aws_s3_object" "clicks_aws_us_east_1" {
  for_each   = toset(["raw/", "processed/", "curated/", "models/"])
  region     = "us-east-1"
  bucket     = aws_s3_bucket.clicks_aws_us_east_1.id
  key        = each.value
  content    = ""
  kms_key_id = aws_kms_key.data__us_east_1.arn
  depends_on = [aws_s3_bucket_server_side_encryption_configuration.clicks_aws_us_east_1]
}

resource "aws_s3_bucket_lifecycle_configuration" "clicks_aws_us_east_1" {
  region     = "us-east-1"
  bucket     = aws_s3_bucket.clicks_aws_us_east_1.id
  depends_on = [aws_s3_bucket_versioning.clicks_aws_us_east_1]

  rule {
    id     = "age"
    status = "Enabled"

    filter {}

    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }

    transition {
      days          = 90
      storage_class = "GLACIER_IR"
    }
  }

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket" "tickets_aws_eu_central_1" {
  region = "eu-central-1"
  bucket = "sandbox-tickets-eu-central-1"
  tags = {
    data-class = "personal-eu"
  }
  # checkov:skip=CKV_AWS_144:Where copies are is the estate's decision, bound by its data classes.
  # checkov:skip=CKV2_AWS_62:Nothing waits for events of this bucket.

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "tickets_aws_eu_central_1" {
  region = "eu-central-1"
  bucket = aws_s3_bucket.tickets_aws_eu_central_1.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "tickets_aws_eu_central_1" {
  region = "eu-central-1"
  bucket = aws_s3_bucket.tickets_aws_eu_central_1.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.data__eu_central_1.arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "tickets_aws_eu_central_1" {
  region                  = "eu-central-1"
  bucket                  = aws_s3_bucket.tickets_aws_eu_central_1.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "tickets_aws_eu_central_1" {
  region = "eu-central-1"
  bucket = aws_s3_bucket.tickets_aws_eu_central_1.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "tickets_aws_eu_central_1" {
  region = "eu-central-1"
  bucket = aws_s3_bucket.tickets_aws_eu_central_1.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "OnlyByTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource = [
          aws_s3_bucket.tickets_aws_eu_central_1.arn,
          "${aws_s3_bucket.tickets_aws_eu_central_1.arn}/*",
        ]
        Condition = {
          Bool = {
            "aws:SecureTransport" = "false"
          }
        }
      },
    ]
  })
}

resource "aws_s3_bucket_logging" "tickets_aws_eu_central_1" {
  region        = "eu-central-1"
  bucket        = aws_s3_bucket.tickets_aws_eu_central_1.id
  target_bucket = aws_s3_bucket.access_logs_eu_central_1.id
  target_prefix = "tickets-aws-eu-central-1/"
}

resource "aws_s3_object" "tickets_aws_eu_central_1" {
  for_each   = toset(["raw/", "processed/", "curated/", "models/"])
  region     = "eu-central-1"
  bucket     = aws_s3_bucket.tickets_aws_eu_central_1.id
  key        = each.value
  content    = ""
  kms_key_id = aws_kms_key.data__eu_central_1.arn
  depends_on = [aws_s3_bucket_server_side_encryption_configuration.tickets_aws_eu_central_1]
}

resource "aws_s3_bucket_lifecycle_configuration" "tickets_aws_eu_central_1" {
  region     = "eu-central-1"
  bucket     = aws_s3_bucket.tickets_aws_eu_central_1.id
  depends_on = [aws_s3_bucket_versioning.tickets_aws_eu_central_1]

  rule {
    id     = "age"
    status = "Enabled"

    filter {}

    transition {
      days          = 30
      storage_class = "STANDARD_IA"
    }

    transition {
      days          = 90
      storage_class = "GLACIER_IR"
    }
  }

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}
