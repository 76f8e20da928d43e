#!/bin/sh
# Makes package-lock.json of each folder here anew: exact versions with hashes, no registry named.
set -eu
cd "$(dirname "$0")"
for folder in clients portkey; do
    (
        cd "$folder"
        rm -f package-lock.json
        npm install --package-lock-only --ignore-scripts --no-audit --no-fund --silent
        node -e '
            const fs = require("fs");
            const lock = JSON.parse(fs.readFileSync("package-lock.json"));
            for (const entry of Object.values(lock.packages)) { delete entry.resolved; delete entry.funding; }
            fs.writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n");
        '
    )
done
