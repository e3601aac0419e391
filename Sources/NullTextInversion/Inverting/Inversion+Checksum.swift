internal import DiffusionCore
internal import Tensor

extension Inversion {
  /// A hash of the arrays that detects damaged files.
  var checksum: String {
    var fingerprint = Fingerprint()
    let losses = Tensor(losses, shape: [losses.count])
    for tensor in pivots + nullEmbeddings + trajectory + [losses] + [condition].compactMap(\.self) {
      fingerprint.add("\(tensor.shape)")
      tensor.withScalars { fingerprint.add(UnsafeRawBufferPointer($0)) }
    }
    fingerprint.add("\(innerSteps)")
    return fingerprint.hexadecimal
  }
}
