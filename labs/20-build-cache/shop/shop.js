// A very small shop. It says its version and one price.
const price = require("price");

const version = 1;
console.log(`shop ${version}: a coffee is ${price(250)}`);
