public import DiffusionCore
internal import Foundation
internal import Tensor

extension EditMask {
  /// The mask as an image: white pixels may change, black pixels may not.
  public var picture: RGBImage {
    RGBImage(width: width, height: height, samples: coverage.flatMap { [$0, $0, $0] })
  }

  /// Creates a mask of an image's size from a latent mask, latent height x width with values from 0 to 1.
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
