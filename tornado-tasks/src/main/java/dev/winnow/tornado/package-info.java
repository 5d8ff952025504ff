/** The place of the TornadoVM backend. Nothing is here yet; the module's README says what will be. */
package dev.winnow.tornado;
