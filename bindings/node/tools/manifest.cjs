'use strict';
// Writes the package.json of the package: that of the source tree with the version of the engine and its platform.
//
//   node manifest.cjs <reflow.h> <package.json of the tree> <package.json of the package>

const fs = require('node:fs');

const [header, source, target] = process.argv.slice(2);
const text = fs.readFileSync(header, 'utf8');
const part = (name) => {
  const match = new RegExp(`^#define REFLOW_VERSION_${name} (\\d+)$`, 'm').exec(text);
  if (match === null) throw new Error(`${header} has no REFLOW_VERSION_${name}`);
  return match[1];
};

const manifest = JSON.parse(fs.readFileSync(source, 'utf8'));
manifest.version = `${part('MAJOR')}.${part('MINOR')}.${part('PATCH')}`;
// What is inside is for this machine.
manifest.os = [process.platform];
manifest.cpu = [process.arch];
for (const key of ['private', 'scripts', 'devDependencies']) delete manifest[key];
fs.writeFileSync(target, `${JSON.stringify(manifest, null, 2)}\n`);
