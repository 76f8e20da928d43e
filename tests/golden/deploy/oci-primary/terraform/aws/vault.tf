# Who may use the key that unseals OpenBao.
# From the estate oci-primary: secrets, clusters.
# Written by polycloud render: change the estate, not this file.

resource "aws_iam_role" "vault_seal" {
  name        = "oci-primary-vault-seal"
  description = "OpenBao's voters: they unseal themselves."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([{ Effect = "Allow", Principal = { Service = "pods.eks.amazonaws.com" }, Action = ["sts:AssumeRole", "sts:TagSession"] }], [for name, issuer in var.cluster_issuers : {
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.clusters[name].arn }
      Action    = ["sts:AssumeRoleWithWebIdentity"]
      Condition = { StringEquals = {
        "${trimprefix(issuer, "https://")}:aud" = "sts.amazonaws.com"
        "${trimprefix(issuer, "https://")}:sub" = "system:serviceaccount:vault:vault"
      } }
    } if contains(["azure-westeurope", "oci-eu-amsterdam-1"], name)])
  })
}

resource "aws_iam_role_policy" "vault_seal" {
  name = "vault-seal"
  role = aws_iam_role.vault_seal.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"]
        Resource = [aws_kms_key.data__eu_west_1.arn]
      },
    ]
  })
}

resource "aws_eks_pod_identity_association" "vault__aws_eu_west_1" {
  region          = "eu-west-1"
  cluster_name    = aws_eks_cluster.aws_eu_west_1.name
  namespace       = "vault"
  service_account = "vault"
  role_arn        = aws_iam_role.vault_seal.arn
}
