// Reads [[name, package, resource], ...]; says what the validators of @kubernetes-models find, and fails if anything.
import { readFileSync } from "node:fs";

let failed = 0;
for (const [name, from, resource] of JSON.parse(readFileSync(0, "utf8"))) {
  try {
    const module = await import(`@kubernetes-models/${from}/${resource.apiVersion}/${resource.kind}`);
    new module[resource.kind](resource).validate();
  } catch (error) {
    failed = 1;
    console.log(`${name}: ${error.message.replaceAll("\n", " ")}`);
  }
}
process.exit(failed);
