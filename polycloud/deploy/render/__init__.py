"""One module for each tool that files are written for; the Terraform roots of single clouds lie with the clouds."""
