/** The place of the TornadoVM backend, which is built from {@code src/tornado} where there is an SDK; see the module's README. */
package dev.winnow.tornado;
