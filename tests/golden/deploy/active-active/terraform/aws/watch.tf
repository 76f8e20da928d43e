# Who reads figures of AWS for Prometheus.
# From the estate active-active: datasets, databases.
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
