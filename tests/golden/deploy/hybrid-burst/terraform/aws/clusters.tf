# Clusters at AWS, with their pools of machines and the rights of their parts.
# From the estate hybrid-burst: clusters.
# Written by polycloud render: change the estate, not this file.

resource "aws_iam_role" "eks_cluster" {
  name        = "hybrid-burst-eks-cluster"
  description = "The clusters' control planes."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "eks.amazonaws.com"
        }
        Action = ["sts:AssumeRole"]
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "eks_cluster" {
  role       = aws_iam_role.eks_cluster.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/AmazonEKSClusterPolicy"
}

resource "aws_iam_role" "eks_nodes" {
  name        = "hybrid-burst-eks-nodes"
  description = "The clusters' machines."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Principal = {
          Service = "ec2.amazonaws.com"
        }
        Action = ["sts:AssumeRole"]
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "eks_nodes_AmazonEKSWorkerNodePolicy" {
  role       = aws_iam_role.eks_nodes.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/AmazonEKSWorkerNodePolicy"
}

resource "aws_iam_role_policy_attachment" "eks_nodes_AmazonEC2ContainerRegistryPullOnly" {
  role       = aws_iam_role.eks_nodes.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
}

resource "aws_iam_role" "eks_aws_ebs_csi_driver" {
  name        = "hybrid-burst-eks-aws-ebs-csi-driver"
  description = "The add-on aws-ebs-csi-driver."
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

resource "aws_iam_role_policy_attachment" "eks_aws_ebs_csi_driver" {
  role       = aws_iam_role.eks_aws_ebs_csi_driver.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
}

resource "aws_iam_role" "eks_vpc_cni" {
  name        = "hybrid-burst-eks-vpc-cni"
  description = "The add-on vpc-cni."
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

resource "aws_iam_role_policy_attachment" "eks_vpc_cni" {
  role       = aws_iam_role.eks_vpc_cni.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/AmazonEKS_CNI_Policy"
}

resource "aws_iam_role" "eks_autoscaler" {
  name        = "hybrid-burst-eks-autoscaler"
  description = "The clusters' cluster-autoscaler."
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

resource "aws_iam_role_policy" "eks_autoscaler" {
  name = "eks-autoscaler"
  role = aws_iam_role.eks_autoscaler.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "See"
        Effect = "Allow"
        Action = [
          "autoscaling:DescribeAutoScalingGroups",
          "autoscaling:DescribeAutoScalingInstances",
          "autoscaling:DescribeLaunchConfigurations",
          "autoscaling:DescribeScalingActivities",
          "ec2:DescribeImages",
          "ec2:DescribeInstanceTypes",
          "ec2:DescribeLaunchTemplateVersions",
          "ec2:GetInstanceTypesFromInstanceRequirements",
        ]
        Resource = "*"
      },
      {
        Sid      = "Pools"
        Effect   = "Allow"
        Action   = ["eks:DescribeNodegroup"]
        Resource = "arn:${data.aws_partition.this.partition}:eks:*:${data.aws_caller_identity.this.account_id}:nodegroup/*"
      },
      {
        Sid    = "Own"
        Effect = "Allow"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/eks:cluster-name" = "$${aws:PrincipalTag/eks-cluster-name}"
          }
        }
        Action   = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
        Resource = "arn:${data.aws_partition.this.partition}:autoscaling:*:${data.aws_caller_identity.this.account_id}:autoScalingGroup:*"
      },
    ]
  })
  # What it sees takes no resource; groups of machines are named by EKS as it makes them, so the tag of the cluster that asks binds each change, and what it reads of pools changes nothing.
}

resource "aws_iam_role" "eks_balancers" {
  name        = "hybrid-burst-eks-balancers"
  description = "The clusters' aws-load-balancer-controller."
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

resource "aws_iam_role_policy" "eks_balancers" {
  name = "eks-balancers"
  role = aws_iam_role.eks_balancers.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "See"
        Effect = "Allow"
        Action = [
          "ec2:DescribeAccountAttributes",
          "ec2:DescribeAddresses",
          "ec2:DescribeAvailabilityZones",
          "ec2:DescribeInstances",
          "ec2:DescribeInternetGateways",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DescribeRouteTables",
          "ec2:DescribeSecurityGroups",
          "ec2:DescribeSubnets",
          "ec2:DescribeTags",
          "ec2:DescribeVpcs",
          "elasticloadbalancing:DescribeListenerAttributes",
          "elasticloadbalancing:DescribeListeners",
          "elasticloadbalancing:DescribeLoadBalancerAttributes",
          "elasticloadbalancing:DescribeLoadBalancers",
          "elasticloadbalancing:DescribeTags",
          "elasticloadbalancing:DescribeTargetGroupAttributes",
          "elasticloadbalancing:DescribeTargetGroups",
          "elasticloadbalancing:DescribeTargetHealth",
        ]
        Resource = "*"
      },
      {
        Sid    = "NewGroups"
        Effect = "Allow"
        Action = ["ec2:CreateSecurityGroup"]
        Resource = [
          "arn:${data.aws_partition.this.partition}:ec2:*:${data.aws_caller_identity.this.account_id}:security-group/*",
          "arn:${data.aws_partition.this.partition}:ec2:*:${data.aws_caller_identity.this.account_id}:vpc/*",
        ]
      },
      {
        Sid    = "MarkGroups"
        Effect = "Allow"
        Condition = {
          StringEquals = {
            "ec2:CreateAction" = "CreateSecurityGroup"
          }
          Null = {
            "aws:RequestTag/elbv2.k8s.aws/cluster" = "false"
          }
        }
        Action   = ["ec2:CreateTags"]
        Resource = "arn:${data.aws_partition.this.partition}:ec2:*:${data.aws_caller_identity.this.account_id}:security-group/*"
      },
      {
        Sid    = "OwnGroups"
        Effect = "Allow"
        Condition = {
          Null = {
            "aws:ResourceTag/elbv2.k8s.aws/cluster" = "false"
          }
        }
        Action = [
          "ec2:AuthorizeSecurityGroupIngress",
          "ec2:RevokeSecurityGroupIngress",
          "ec2:DeleteSecurityGroup",
        ]
        Resource = "arn:${data.aws_partition.this.partition}:ec2:*:${data.aws_caller_identity.this.account_id}:security-group/*"
      },
      {
        Sid    = "TagGroups"
        Effect = "Allow"
        Condition = {
          Null = {
            "aws:RequestTag/elbv2.k8s.aws/cluster"  = "true"
            "aws:ResourceTag/elbv2.k8s.aws/cluster" = "false"
          }
        }
        Action   = ["ec2:CreateTags", "ec2:DeleteTags"]
        Resource = "arn:${data.aws_partition.this.partition}:ec2:*:${data.aws_caller_identity.this.account_id}:security-group/*"
      },
      {
        Sid    = "Machines"
        Effect = "Allow"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/aws:eks:cluster-name" = "$${aws:PrincipalTag/eks-cluster-name}"
          }
        }
        Action   = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
        Resource = "arn:${data.aws_partition.this.partition}:ec2:*:${data.aws_caller_identity.this.account_id}:security-group/*"
      },
      {
        Sid    = "First"
        Effect = "Allow"
        Condition = {
          StringEquals = {
            "iam:AWSServiceName" = "elasticloadbalancing.amazonaws.com"
          }
        }
        Action   = ["iam:CreateServiceLinkedRole"]
        Resource = "arn:${data.aws_partition.this.partition}:iam::${data.aws_caller_identity.this.account_id}:role/aws-service-role/elasticloadbalancing.amazonaws.com/*"
      },
      {
        Sid    = "New"
        Effect = "Allow"
        Condition = {
          Null = {
            "aws:RequestTag/elbv2.k8s.aws/cluster" = "false"
          }
        }
        Action = ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"]
        Resource = [
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:listener/app/*/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:listener/net/*/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:loadbalancer/net/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:targetgroup/*/*",
        ]
      },
      {
        Sid    = "MarkNew"
        Effect = "Allow"
        Condition = {
          StringEquals = {
            "elasticloadbalancing:CreateAction" = ["CreateListener", "CreateLoadBalancer", "CreateTargetGroup"]
          }
          Null = {
            "aws:RequestTag/elbv2.k8s.aws/cluster" = "false"
          }
        }
        Action = ["elasticloadbalancing:AddTags"]
        Resource = [
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:listener/app/*/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:listener/net/*/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:loadbalancer/net/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:targetgroup/*/*",
        ]
      },
      {
        Sid    = "TagOwn"
        Effect = "Allow"
        Condition = {
          Null = {
            "aws:RequestTag/elbv2.k8s.aws/cluster"  = "true"
            "aws:ResourceTag/elbv2.k8s.aws/cluster" = "false"
          }
        }
        Action = ["elasticloadbalancing:AddTags", "elasticloadbalancing:RemoveTags"]
        Resource = [
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:listener/app/*/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:listener/net/*/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:loadbalancer/net/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:targetgroup/*/*",
        ]
      },
      {
        Sid    = "Own"
        Effect = "Allow"
        Condition = {
          Null = {
            "aws:ResourceTag/elbv2.k8s.aws/cluster" = "false"
          }
        }
        Action = [
          "elasticloadbalancing:CreateListener",
          "elasticloadbalancing:DeleteListener",
          "elasticloadbalancing:DeleteLoadBalancer",
          "elasticloadbalancing:DeleteTargetGroup",
          "elasticloadbalancing:DeregisterTargets",
          "elasticloadbalancing:ModifyListener",
          "elasticloadbalancing:ModifyListenerAttributes",
          "elasticloadbalancing:ModifyLoadBalancerAttributes",
          "elasticloadbalancing:ModifyTargetGroup",
          "elasticloadbalancing:ModifyTargetGroupAttributes",
          "elasticloadbalancing:RegisterTargets",
          "elasticloadbalancing:SetSecurityGroups",
          "elasticloadbalancing:SetSubnets",
        ]
        Resource = [
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:listener/app/*/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:listener/net/*/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:loadbalancer/net/*/*",
          "arn:${data.aws_partition.this.partition}:elasticloadbalancing:*:${data.aws_caller_identity.this.account_id}:targetgroup/*/*",
        ]
      },
    ]
  })
  # What it sees takes no resource; it names what it makes itself, so the mark that it puts on all of it binds each change, and a new group has none yet: nor has the network that it is made in.
}

resource "aws_cloudwatch_log_group" "eks_aws_eu_central_1" {
  region            = "eu-central-1"
  name              = "/aws/eks/aws-eu-central-1/cluster"
  retention_in_days = 365
  kms_key_id        = aws_kms_key.data__eu_central_1.arn
}

resource "aws_eks_cluster" "aws_eu_central_1" {
  region                        = "eu-central-1"
  name                          = "aws-eu-central-1"
  version                       = "1.35"
  role_arn                      = aws_iam_role.eks_cluster.arn
  enabled_cluster_log_types     = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
  deletion_protection           = true
  bootstrap_self_managed_addons = false
  depends_on                    = [aws_cloudwatch_log_group.eks_aws_eu_central_1, aws_iam_role_policy_attachment.eks_cluster]
  # checkov:skip=CKV_AWS_339:Versions are checked against dated tables when the estate is.
  # checkov:skip=CKV_AWS_38:Closed unless var.kubernetes_api_cidrs names networks, and open to them alone.
  # checkov:skip=CKV_AWS_39:Closed unless var.kubernetes_api_cidrs names networks.

  vpc_config {
    subnet_ids              = aws_subnet.private_eu_central_1[*].id
    security_group_ids      = [aws_security_group.inside_eu_central_1.id]
    endpoint_private_access = true
    endpoint_public_access  = length(var.kubernetes_api_cidrs) > 0
    public_access_cidrs     = length(var.kubernetes_api_cidrs) > 0 ? var.kubernetes_api_cidrs : null
  }

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = true
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = aws_kms_key.data__eu_central_1.arn
    }
  }

  upgrade_policy {
    support_type = "STANDARD"
  }

  zonal_shift_config {
    enabled = true
  }
}

resource "aws_eks_access_entry" "admins_aws_eu_central_1" {
  for_each      = toset(var.kubernetes_admins)
  region        = "eu-central-1"
  cluster_name  = aws_eks_cluster.aws_eu_central_1.name
  principal_arn = each.value
}

resource "aws_eks_access_policy_association" "admins_aws_eu_central_1" {
  for_each      = toset(var.kubernetes_admins)
  region        = "eu-central-1"
  cluster_name  = aws_eks_cluster.aws_eu_central_1.name
  principal_arn = each.value
  policy_arn    = "arn:${data.aws_partition.this.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
  depends_on    = [aws_eks_access_entry.admins_aws_eu_central_1]

  access_scope {
    type = "cluster"
  }
}

resource "aws_eks_addon" "aws_eu_central_1__eks_pod_identity_agent" {
  region                      = "eu-central-1"
  cluster_name                = aws_eks_cluster.aws_eu_central_1.name
  addon_name                  = "eks-pod-identity-agent"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}

resource "aws_eks_addon" "aws_eu_central_1__kube_proxy" {
  region                      = "eu-central-1"
  cluster_name                = aws_eks_cluster.aws_eu_central_1.name
  addon_name                  = "kube-proxy"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
}

resource "aws_eks_addon" "aws_eu_central_1__vpc_cni" {
  region                      = "eu-central-1"
  cluster_name                = aws_eks_cluster.aws_eu_central_1.name
  addon_name                  = "vpc-cni"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
  configuration_values = jsonencode({
    enableNetworkPolicy = "true"
  })

  pod_identity_association {
    role_arn        = aws_iam_role.eks_vpc_cni.arn
    service_account = "aws-node"
  }
}

resource "aws_launch_template" "aws_eu_central_1__gpu" {
  region                 = "eu-central-1"
  name                   = "aws-eu-central-1-gpu"
  update_default_version = true

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 300
      encrypted             = true
      kms_key_id            = aws_kms_key.data__eu_central_1.arn
      delete_on_termination = true
    }
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  monitoring {
    enabled = true
  }

  tag_specifications {
    resource_type = "instance"
    tags = {
      managed-by  = "polycloud"
      estate      = "hybrid-burst"
      environment = "production"
      Name        = "aws-eu-central-1-gpu"
    }
  }

  tag_specifications {
    resource_type = "volume"
    tags = {
      managed-by  = "polycloud"
      estate      = "hybrid-burst"
      environment = "production"
      Name        = "aws-eu-central-1-gpu"
    }
  }
}

resource "aws_eks_node_group" "aws_eu_central_1__gpu" {
  region          = "eu-central-1"
  cluster_name    = aws_eks_cluster.aws_eu_central_1.name
  node_group_name = "gpu"
  node_role_arn   = aws_iam_role.eks_nodes.arn
  subnet_ids      = aws_subnet.private_eu_central_1[*].id
  instance_types  = ["g4dn.xlarge"]
  ami_type        = "AL2023_x86_64_NVIDIA"
  capacity_type   = "ON_DEMAND"
  version         = aws_eks_cluster.aws_eu_central_1.version
  labels = {
    "polycloud/pool"        = "gpu"
    "polycloud/role"        = "gpu"
    "polycloud/accelerator" = "T4"
  }
  depends_on = [
    aws_eks_addon.aws_eu_central_1__eks_pod_identity_agent,
    aws_eks_addon.aws_eu_central_1__kube_proxy,
    aws_eks_addon.aws_eu_central_1__vpc_cni,
    aws_iam_role_policy_attachment.eks_nodes_AmazonEKSWorkerNodePolicy,
    aws_iam_role_policy_attachment.eks_nodes_AmazonEC2ContainerRegistryPullOnly,
  ]

  scaling_config {
    min_size     = 0
    max_size     = 10
    desired_size = 0
  }

  taint {
    key    = "nvidia.com/gpu"
    value  = "present"
    effect = "NO_SCHEDULE"
  }

  launch_template {
    id      = aws_launch_template.aws_eu_central_1__gpu.id
    version = aws_launch_template.aws_eu_central_1__gpu.latest_version
  }

  update_config {
    max_unavailable_percentage = 33
  }

  node_repair_config {
    enabled = true
  }

  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }
}

resource "aws_launch_template" "aws_eu_central_1__system" {
  region                 = "eu-central-1"
  name                   = "aws-eu-central-1-system"
  update_default_version = true

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 100
      encrypted             = true
      kms_key_id            = aws_kms_key.data__eu_central_1.arn
      delete_on_termination = true
    }
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  monitoring {
    enabled = true
  }

  tag_specifications {
    resource_type = "instance"
    tags = {
      managed-by  = "polycloud"
      estate      = "hybrid-burst"
      environment = "production"
      Name        = "aws-eu-central-1-system"
    }
  }

  tag_specifications {
    resource_type = "volume"
    tags = {
      managed-by  = "polycloud"
      estate      = "hybrid-burst"
      environment = "production"
      Name        = "aws-eu-central-1-system"
    }
  }
}

resource "aws_eks_node_group" "aws_eu_central_1__system" {
  region          = "eu-central-1"
  cluster_name    = aws_eks_cluster.aws_eu_central_1.name
  node_group_name = "system"
  node_role_arn   = aws_iam_role.eks_nodes.arn
  subnet_ids      = aws_subnet.private_eu_central_1[*].id
  instance_types  = ["m7i.xlarge"]
  ami_type        = "AL2023_x86_64_STANDARD"
  capacity_type   = "ON_DEMAND"
  version         = aws_eks_cluster.aws_eu_central_1.version
  labels = {
    "polycloud/pool" = "system"
    "polycloud/role" = "system"
  }
  depends_on = [
    aws_eks_addon.aws_eu_central_1__eks_pod_identity_agent,
    aws_eks_addon.aws_eu_central_1__kube_proxy,
    aws_eks_addon.aws_eu_central_1__vpc_cni,
    aws_iam_role_policy_attachment.eks_nodes_AmazonEKSWorkerNodePolicy,
    aws_iam_role_policy_attachment.eks_nodes_AmazonEC2ContainerRegistryPullOnly,
  ]

  scaling_config {
    min_size     = 3
    max_size     = 3
    desired_size = 3
  }

  taint {
    key    = "CriticalAddonsOnly"
    value  = "true"
    effect = "NO_SCHEDULE"
  }

  launch_template {
    id      = aws_launch_template.aws_eu_central_1__system.id
    version = aws_launch_template.aws_eu_central_1__system.latest_version
  }

  update_config {
    max_unavailable_percentage = 33
  }

  node_repair_config {
    enabled = true
  }

  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }
}

resource "aws_launch_template" "aws_eu_central_1__workload" {
  region                 = "eu-central-1"
  name                   = "aws-eu-central-1-workload"
  update_default_version = true

  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      volume_type           = "gp3"
      volume_size           = 100
      encrypted             = true
      kms_key_id            = aws_kms_key.data__eu_central_1.arn
      delete_on_termination = true
    }
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  monitoring {
    enabled = true
  }

  tag_specifications {
    resource_type = "instance"
    tags = {
      managed-by  = "polycloud"
      estate      = "hybrid-burst"
      environment = "production"
      Name        = "aws-eu-central-1-workload"
    }
  }

  tag_specifications {
    resource_type = "volume"
    tags = {
      managed-by  = "polycloud"
      estate      = "hybrid-burst"
      environment = "production"
      Name        = "aws-eu-central-1-workload"
    }
  }
}

resource "aws_eks_node_group" "aws_eu_central_1__workload" {
  region          = "eu-central-1"
  cluster_name    = aws_eks_cluster.aws_eu_central_1.name
  node_group_name = "workload"
  node_role_arn   = aws_iam_role.eks_nodes.arn
  subnet_ids      = aws_subnet.private_eu_central_1[*].id
  instance_types  = ["m7i.2xlarge"]
  ami_type        = "AL2023_x86_64_STANDARD"
  capacity_type   = "ON_DEMAND"
  version         = aws_eks_cluster.aws_eu_central_1.version
  labels = {
    "polycloud/pool" = "workload"
    "polycloud/role" = "workload"
  }
  depends_on = [
    aws_eks_addon.aws_eu_central_1__eks_pod_identity_agent,
    aws_eks_addon.aws_eu_central_1__kube_proxy,
    aws_eks_addon.aws_eu_central_1__vpc_cni,
    aws_iam_role_policy_attachment.eks_nodes_AmazonEKSWorkerNodePolicy,
    aws_iam_role_policy_attachment.eks_nodes_AmazonEC2ContainerRegistryPullOnly,
  ]

  scaling_config {
    min_size     = 5
    max_size     = 50
    desired_size = 5
  }

  launch_template {
    id      = aws_launch_template.aws_eu_central_1__workload.id
    version = aws_launch_template.aws_eu_central_1__workload.latest_version
  }

  update_config {
    max_unavailable_percentage = 33
  }

  node_repair_config {
    enabled = true
  }

  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }
}

resource "aws_eks_addon" "aws_eu_central_1__aws_ebs_csi_driver" {
  region                      = "eu-central-1"
  cluster_name                = aws_eks_cluster.aws_eu_central_1.name
  addon_name                  = "aws-ebs-csi-driver"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
  depends_on = [
    aws_eks_node_group.aws_eu_central_1__gpu,
    aws_eks_node_group.aws_eu_central_1__system,
    aws_eks_node_group.aws_eu_central_1__workload,
  ]

  pod_identity_association {
    role_arn        = aws_iam_role.eks_aws_ebs_csi_driver.arn
    service_account = "ebs-csi-controller-sa"
  }
}

resource "aws_eks_addon" "aws_eu_central_1__coredns" {
  region                      = "eu-central-1"
  cluster_name                = aws_eks_cluster.aws_eu_central_1.name
  addon_name                  = "coredns"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
  depends_on = [
    aws_eks_node_group.aws_eu_central_1__gpu,
    aws_eks_node_group.aws_eu_central_1__system,
    aws_eks_node_group.aws_eu_central_1__workload,
  ]
}

resource "aws_eks_addon" "aws_eu_central_1__metrics_server" {
  region                      = "eu-central-1"
  cluster_name                = aws_eks_cluster.aws_eu_central_1.name
  addon_name                  = "metrics-server"
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
  depends_on = [
    aws_eks_node_group.aws_eu_central_1__gpu,
    aws_eks_node_group.aws_eu_central_1__system,
    aws_eks_node_group.aws_eu_central_1__workload,
  ]
}

resource "aws_eks_pod_identity_association" "autoscaler_aws_eu_central_1" {
  region          = "eu-central-1"
  cluster_name    = aws_eks_cluster.aws_eu_central_1.name
  namespace       = "kube-system"
  service_account = "cluster-autoscaler"
  role_arn        = aws_iam_role.eks_autoscaler.arn
}

resource "aws_eks_pod_identity_association" "balancers_aws_eu_central_1" {
  region          = "eu-central-1"
  cluster_name    = aws_eks_cluster.aws_eu_central_1.name
  namespace       = "kube-system"
  service_account = "aws-load-balancer-controller"
  role_arn        = aws_iam_role.eks_balancers.arn
}
