internal import DiffusionCore
internal import Tensor

extension Inversion {
  /// A hash of the arrays, by which a damaged file is known.
  var checksum: String {
    var fingerprint = Fingerprint()
    for tensor in pivots + nullEmbeddings + trajectory + [Tensor(losses, shape: [losses.count])] {
      fingerprint.add("\(tensor.shape)")
      tensor.withScalars { fingerprint.add(UnsafeRawBufferPointer($0)) }
    }
    fingerprint.add("\(innerSteps)")
    return fingerprint.hexadecimal
  }
}
