"""The stub providers: what is read out of the packages, what is planned and invented, and all of it under Terraform."""

import functools
import json
import subprocess
from pathlib import Path

import pytest

from tests.deploy import checkers
from tools.stub_provider import oci
from tools.stub_provider.extract import Reader, UnknownForm
from tools.stub_provider.rules import broken
from tools.stub_provider.run import SCHEMAS, kinds_in
from tools.stub_provider.schema import type_of
from tools.stub_provider.values import UNKNOWN, applied, decode, encode, existing, planned, shaped

RULES = json.loads((checkers.ROOT / "tools" / "stub_provider" / "rules.json").read_text("utf8"))
BINDING = """
function lakeRuleToHclTerraform(struct) {
    const attrs = {
        days: {
            value: cdktn.numberToHclTerraform(struct.days),
            isBlock: false,
            type: "simple",
            storageClassType: "number",
        },
    };
}
class LakeRuleOutputReference extends cdktn.ComplexObject {
    // days - computed: false, optional: false, required: true
    _days;
    get days() {
        return this.getNumberAttribute('days');
    }
    // hash - computed: true, optional: false, required: false
    get hash() {
        return this.getStringAttribute('hash');
    }
}
class LakeRuleList extends cdktn.ComplexList {
}
class Lake extends cdktn.TerraformResource {
    static tfResourceType = "aws_lake";
    // id - computed: true, optional: true, required: false
    _id;
    get id() {
        return this.getStringAttribute('id');
    }
    // rule - computed: false, optional: false, required: true
    _rule = new LakeRuleList(this, "rule", false);
    get rule() {
        return this._rule;
    }
    // tags - computed: false, optional: true, required: false
    _tags;
    get tags() {
        return this.getStringMapAttribute('tags');
    }
    // zones - computed: true, optional: false, required: false
    get zones() {
        return cdktn.Fn.tolist(this.getListAttribute('zones'));
    }
    synthesizeHclAttributes() {
        const attrs = {
            id: {
                value: cdktn.stringToHclTerraform(this._id),
                isBlock: false,
                type: "simple",
                storageClassType: "string",
            },
            rule: {
                value: cdktn.listMapperHcl(lakeRuleToHclTerraform, true)(this._rule.internalValue),
                isBlock: true,
                type: "list",
                storageClassType: "LakeRuleList",
            },
            tags: {
                value: cdktn.hashMapperHcl(cdktn.stringToHclTerraform)(this._tags),
                isBlock: false,
                type: "map",
                storageClassType: "stringMap",
            },
        };
    }
}
"""
LAKE = {
    "attributes": {
        "id": {"type": "string", "optional": True, "computed": True},
        "tags": {"type": ["map", "string"], "optional": True},
        "zones": {"type": ["set", "string"], "computed": True},
    },
    "blocks": {
        "rule": {
            "nesting": "list",
            "least": 1,
            "most": 0,
            "block": {
                "attributes": {
                    "days": {"type": "number", "required": True},
                    "hash": {"type": "string", "computed": True},
                },
                "blocks": {},
            },
        }
    },
}
NEW = {"id": None, "tags": None, "zones": None, "rule": [{"days": 3, "hash": None}]}
ESTATE = """
terraform {
  required_providers {
    oci = {
      source = "oracle/oci"
    }
    cloudflare = {
      source = "cloudflare/cloudflare"
    }
    aws = {
      source = "hashicorp/aws"
    }
    azurerm = {
      source = "hashicorp/azurerm"
    }
    google = {
      source = "hashicorp/google"
    }
    vault = {
      source = "hashicorp/vault"
    }
  }
}

provider "azurerm" {
  features {}
}

data "oci_objectstorage_namespace" "here" {
  compartment_id = "c"
}

data "oci_identity_availability_domains" "here" {
  compartment_id = "c"
}

resource "oci_objectstorage_bucket" "lake" {
  compartment_id = "c"
  name           = data.oci_identity_availability_domains.here.availability_domains[0].name
  namespace      = data.oci_objectstorage_namespace.here.namespace
}

resource "cloudflare_load_balancer_pool" "eu" {
  account_id = "a"
  name       = "eu"
  origins = [{
    name    = "aws"
    address = aws_eks_cluster.eu.endpoint
  }]
}

resource "aws_eks_cluster" "eu" {
  name     = "eu"
  role_arn = "arn:aws:iam::123456789012:role/eks"
  version  = "1.35"
  vpc_config {
    subnet_ids = ["subnet-1", "subnet-2"]
  }
}

resource "aws_security_group" "eu" {
  ingress {
    from_port   = 443
    to_port     = 443
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0/8"]
  }
}

resource "aws_db_instance" "store" {
  instance_class      = "db.t4g.medium"
  password_wo         = "not in the state"
  password_wo_version = 1
}

resource "google_storage_bucket" "lake" {
  name     = "lake"
  location = "EU"
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = 30
    }
  }
}

resource "azurerm_storage_account" "lake" {
  name                     = "lake"
  location                 = "westeurope"
  resource_group_name      = "lake"
  account_tier             = "Standard"
  account_replication_type = "ZRS"
}

resource "vault_jwt_auth_backend_role" "gateway" {
  role_name  = "gateway"
  user_claim = "sub"
}

output "ca" {
  value = base64decode(aws_eks_cluster.eu.certificate_authority[0].data)
}
"""


def test_a_binding_is_read():
    kind, block = Reader(BINDING, "").read()
    assert (kind, block) == ("aws_lake", LAKE)


def test_a_binding_of_another_form_is_refused():
    with pytest.raises(UnknownForm, match="getNewAttribute"):
        Reader(BINDING.replace("getStringAttribute('hash')", "getNewAttribute('hash')"), "").read()


def test_values_survive_the_wire():
    value = {"a": [1, 2.5, "x", None, True], "b": UNKNOWN}
    assert decode(encode(value)) == value


def test_what_is_computed_is_unknown_until_applied():
    plan = planned(LAKE, None, NEW)
    assert plan == {"id": UNKNOWN, "tags": None, "zones": UNKNOWN, "rule": [{"days": 3, "hash": UNKNOWN}]}
    state = applied("aws_lake", LAKE, plan)
    assert state["rule"][0]["days"] == 3
    assert isinstance(state["rule"][0]["hash"], str)
    assert len(state["zones"]) == 1
    assert state == applied("aws_lake", LAKE, planned(LAKE, None, NEW))
    assert planned(LAKE, state, state) == state


def test_only_what_is_new_is_unknown_in_a_change():
    state = applied("aws_lake", LAKE, planned(LAKE, None, NEW))
    proposed = {**state, "rule": [*state["rule"], {"days": 9, "hash": None}]}
    plan = planned(LAKE, state, proposed)
    assert plan["rule"] == [state["rule"][0], {"days": 9, "hash": UNKNOWN}]
    assert plan["id"] == state["id"]


def test_a_write_only_value_is_never_planned():
    block = {"attributes": {"password_wo": {"type": "string", "optional": True, "write_only": True}}, "blocks": {}}
    assert planned(block, None, {"password_wo": "x"}) == {"password_wo": None}


def test_a_stored_object_gets_the_schemas_shape():
    assert shaped(LAKE, {"id": "a", "old": 1}) == {"id": "a", "tags": None, "zones": None, "rule": []}


def test_an_import_finds_the_id_that_was_given():
    found = existing("aws_lake", LAKE, "lake-7")
    assert found["id"] == "lake-7"
    assert found["tags"] is None
    assert found["zones"]


def test_rules_find_values_in_lists_and_pass_over_unknown_ones():
    rules = {"rule.action": {"in": ["Delete"], "from": "page"}, "name": {"matches": "[a-z]+", "from": "page"}}
    config = {"name": "Lake", "rule": [{"action": "Delete"}, {"action": "Remove"}, {"action": UNKNOWN}]}
    found = [f"{'.'.join(path)} {why}" for path, why in broken(rules, config)]
    assert found == ['rule.action "Remove" is none of Delete (page)', 'name "Lake" does not match [a-z]+ (page)']


def test_the_table_of_oracle():
    provider = oci.provider()
    bucket = provider["resources"]["oci_objectstorage_bucket"]
    assert bucket["attributes"]["namespace"] == {"type": "string", "required": True}
    rules = bucket["blocks"]["retention_rules"]
    assert (rules["nesting"], rules["least"], rules["most"]) == ("set", 0, 0)
    assert rules["block"]["blocks"]["duration"]["most"] == 1
    domains = provider["data_sources"]["oci_identity_availability_domains"]["attributes"]["availability_domains"]
    assert domains["type"][1][1]["name"] == "string"
    assert len(provider["resources"]) > 30


def test_kinds_are_found_in_all_files(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "main.tf").write_text('resource "aws_s3_bucket" "a" {}\nimport {\n  to = google_storage_bucket.b\n}\n')
    (tmp_path / "sub" / "x.tf").write_text('data "aws_region" "here" {}\n')
    (tmp_path / "main.tftest.hcl").write_text('mock_provider "aws" {\n  mock_resource "aws_kms_key" {}\n}\n')
    assert kinds_in(tmp_path) == {"aws_s3_bucket", "google_storage_bucket", "aws_region", "aws_kms_key"}


@functools.cache
def published():
    resources = dict(oci.provider()["resources"])
    for path in SCHEMAS.glob("*.json"):
        resources.update(json.loads(path.read_bytes())["resources"])
    if len(resources) < 100:
        pytest.skip("the provider schemas are not installed: run `make tools`")
    return resources


@pytest.mark.parametrize("kind", RULES)
def test_every_rule_is_of_an_argument_that_exists(kind):
    block = published()[kind]
    for path in RULES[kind]:
        shape = type_of(block)
        for step in path.split("."):
            while shape[0] in ("list", "set", "map"):
                shape = shape[1]
            shape = shape[1][step]
        assert shape in ("string", "bool", "number")


def test_terraform_takes_every_schema_of_every_provider(tmp_path):
    checkers.terraform_engines() or pytest.skip("terraform is not installed")
    folder = estate(tmp_path)
    with checkers.workspace(folder) as copy, checkers.providers(Path("nothing-is-named")) as env:
        for step in ("init", "validate"):
            done = subprocess.run([*checkers.engine(), step], cwd=copy, env=env, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr


def estate(folder: Path, more: str = "") -> Path:
    (folder / "main.tf").write_text(ESTATE + more)
    return folder


def test_all_clouds_settle(tmp_path):
    done = checkers.terraform_roundtrip(estate(tmp_path))
    assert done.findings == []
    assert "not in the state" not in json.dumps(done.state)
    values = {r["address"]: r["values"] for r in done.state["values"]["root_module"]["resources"]}
    assert values["cloudflare_load_balancer_pool.eu"]["origins"][0]["address"].startswith("endpoint-")


def test_an_import_block_is_planned_as_one(tmp_path):
    folder = estate(tmp_path, 'import {\n  to = google_storage_bucket.lake\n  id = "lake"\n}\n')
    done = checkers.terraform_roundtrip(folder)
    assert done.findings == []
    changes = {change["address"]: change["change"] for change in done.plan["resource_changes"]}
    assert changes["google_storage_bucket.lake"]["importing"] == {"id": "lake"}
    assert changes["aws_eks_cluster.eu"]["actions"] == ["create"]


def test_drift_is_seen(tmp_path):
    """A state that says otherwise than the configuration gives exit code 2 and one change."""
    folder = estate(tmp_path)
    with checkers.workspace(folder) as copy, checkers.providers(folder) as env:

        def terraform(*arguments):
            return subprocess.run([*checkers.engine(), *arguments], cwd=copy, env=env, capture_output=True, text=True)

        for step in (["init"], ["apply", "-auto-approve"]):
            assert terraform(*step).returncode == 0
        state = copy / "terraform.tfstate"
        state.write_text(state.read_text().replace('"version": "1.35"', '"version": "1.34"'))
        done = terraform("plan", "-no-color", "-detailed-exitcode")
        assert done.returncode == 2
        assert '"1.34" -> "1.35"' in done.stdout
        assert "0 to add, 1 to change, 0 to destroy" in done.stdout


def test_an_output_may_not_show_a_secret(tmp_path):
    output = 'output "key" {{\n  value = azurerm_storage_account.lake.primary_access_key\n{}}}\n'
    assert checkers.terraform_roundtrip(estate(tmp_path, output.format("  sensitive = true\n"))).findings == []
    found = checkers.terraform_roundtrip(estate(tmp_path, output.format(""))).findings
    assert any("Output refers to sensitive values" in finding for finding in found)
