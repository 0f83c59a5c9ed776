'use strict';

/** Returns the path of the whtool binary for this machine; WHTOOL_BINARY names another one. */
function binaryPath() {
  if (process.env.WHTOOL_BINARY) return process.env.WHTOOL_BINARY;
  const name = `@whtool/${process.platform}-${process.arch}`;
  const file = process.platform === 'win32' ? 'whtool.exe' : 'whtool';
  try {
    return require.resolve(`${name}/${file}`);
  } catch {
    const known = Object.keys(require('./package.json').optionalDependencies);
    if (known.includes(name)) {
      throw new Error(`whtool: the package ${name} is not installed. Install again without --omit=optional (--no-optional).`);
    }
    const systems = known.map((each) => each.replace('@whtool/', '')).join(', ');
    throw new Error(`whtool: no binary for ${process.platform}-${process.arch}, only for ${systems}. Build it with cargo.`);
  }
}

module.exports = { binaryPath };
