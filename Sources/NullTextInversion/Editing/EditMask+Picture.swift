public import DiffusionCore
internal import Foundation
internal import Tensor

extension EditMask {
  /// The mask as a picture: white where the edit may change anything, black where nothing.
  public var picture: RGBImage {
    RGBImage(width: width, height: height, samples: coverage.flatMap { [$0, $0, $0] })
  }

  /// The mask of a latent, height x width between 0 and 1, at the size of a picture.
  init(ofLatent mask: Tensor, width: Int, height: Int) {
    let (rows, columns) = mask.shape2
    var bytes = Data(capacity: width * height)
    mask.withScalars { scalars in
      for y in 0..<height {
        for x in 0..<width {
          let share = scalars[y * rows / height * columns + x * columns / width]
          bytes.append(UInt8(max(0, min(1, share)) * 255))
        }
      }
    }
    self.init(width: width, height: height, coverage: bytes)
  }
}
