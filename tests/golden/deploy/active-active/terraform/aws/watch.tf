# Who watches at AWS.
# From the estate active-active: clusters, datasets, databases.
# Written by polycloud render: change the estate, not this file.

resource "aws_iam_role" "exporter" {
  name        = "active-active-yace"
  description = "Reads figures for Prometheus."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "pods.eks.amazonaws.com"
        }
        Action = ["sts:AssumeRole", "sts:TagSession"]
      },
    ]
  })
}

resource "aws_iam_role_policy" "exporter" {
  name = "exporter"
  role = aws_iam_role.exporter.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = [
          "cloudwatch:GetMetricData",
          "cloudwatch:GetMetricStatistics",
          "cloudwatch:ListMetrics",
          "tag:GetResources",
        ]
        Resource = "*"
      },
    ]
  })
  # Reading figures takes no resource.
}

resource "aws_eks_pod_identity_association" "exporter__aws_eu_west_1" {
  region          = "eu-west-1"
  cluster_name    = aws_eks_cluster.aws_eu_west_1.name
  namespace       = "monitoring"
  service_account = "yace"
  role_arn        = aws_iam_role.exporter.arn
}

resource "aws_eks_pod_identity_association" "exporter__aws_us_east_1" {
  region          = "us-east-1"
  cluster_name    = aws_eks_cluster.aws_us_east_1.name
  namespace       = "monitoring"
  service_account = "yace"
  role_arn        = aws_iam_role.exporter.arn
}

resource "aws_eks_pod_identity_association" "exporter__aws_us_west_2" {
  region          = "us-west-2"
  cluster_name    = aws_eks_cluster.aws_us_west_2.name
  namespace       = "monitoring"
  service_account = "yace"
  role_arn        = aws_iam_role.exporter.arn
}

resource "aws_cloudwatch_log_group" "collector__aws_eu_west_1" {
  region            = "eu-west-1"
  name              = "/polycloud/aws-eu-west-1"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.data__eu_west_1.arn
}

resource "aws_cloudwatch_log_group" "collector__aws_us_east_1" {
  region            = "us-east-1"
  name              = "/polycloud/aws-us-east-1"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.data__us_east_1.arn
}

resource "aws_cloudwatch_log_group" "collector__aws_us_west_2" {
  region            = "us-west-2"
  name              = "/polycloud/aws-us-west-2"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.data__us_west_2.arn
}

resource "aws_iam_role" "collector" {
  name        = "active-active-collector"
  description = "Writes figures, logs and traces."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "pods.eks.amazonaws.com"
        }
        Action = ["sts:AssumeRole", "sts:TagSession"]
      },
    ]
  })
}

resource "aws_iam_role_policy" "collector" {
  name = "collector"
  role = aws_iam_role.collector.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = [
          "${aws_cloudwatch_log_group.collector__aws_eu_west_1.arn}:*",
          "${aws_cloudwatch_log_group.collector__aws_us_east_1.arn}:*",
          "${aws_cloudwatch_log_group.collector__aws_us_west_2.arn}:*",
        ]
      },
      {
        Effect   = "Allow"
        Action   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
        Resource = "*"
      },
    ]
  })
  # Traces have no resource.
}

resource "aws_eks_pod_identity_association" "collector__aws_eu_west_1" {
  region          = "eu-west-1"
  cluster_name    = aws_eks_cluster.aws_eu_west_1.name
  namespace       = "monitoring"
  service_account = "collector"
  role_arn        = aws_iam_role.collector.arn
}

resource "aws_eks_pod_identity_association" "collector__aws_us_east_1" {
  region          = "us-east-1"
  cluster_name    = aws_eks_cluster.aws_us_east_1.name
  namespace       = "monitoring"
  service_account = "collector"
  role_arn        = aws_iam_role.collector.arn
}

resource "aws_eks_pod_identity_association" "collector__aws_us_west_2" {
  region          = "us-west-2"
  cluster_name    = aws_eks_cluster.aws_us_west_2.name
  namespace       = "monitoring"
  service_account = "collector"
  role_arn        = aws_iam_role.collector.arn
}
