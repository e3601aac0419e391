import Foundation
import Pictures
import Tensor
import TestSupport
import Testing

@Suite("Picture metrics") struct ImageMetricsTests {
  struct Values: Codable {
    let mse: Double
    let psnr: Double
    let ssim: Double
  }

  /// Expected values by name of the second picture, then by library.
  static let expected: [String: [String: Values]] =
    (try? JSONDecoder().decode([String: [String: Values]].self, from: PictureFixtures.data("metrics.json")))
    ?? [:]

  private func isClose(_ a: Double, _ b: Double, within tolerance: Double) -> Bool {
    abs(a - b) <= tolerance * max(1, abs(b))
  }

  @Test("metrics equal those of scikit-image and torchmetrics", arguments: ["noisy", "soft", "static"])
  func values(name: String) throws {
    let expected = try #require(Self.expected[name])
    let a = try PictureFixtures.image("metrics-a.png")
    let b = try PictureFixtures.image("metrics-\(name).png")

    let skimage = try #require(expected["skimage"])
    #expect(isClose(ImageMetrics.meanSquaredError(a, b), skimage.mse, within: 1e-12))
    #expect(isClose(ImageMetrics.psnr(a, b), skimage.psnr, within: 1e-12))
    #expect(isClose(ImageMetrics.ssim(a, b, window: .uniform), skimage.ssim, within: 1e-12))

    // The windows of torchmetrics are in single precision.
    let torchmetrics = try #require(expected["torchmetrics"])
    #expect(isClose(ImageMetrics.psnr(a, b), torchmetrics.psnr, within: 1e-6))
    #expect(isClose(ImageMetrics.ssim(a, b), torchmetrics.ssim, within: 1e-6))

    let mask = Tensor(
      (0..<40 * 48).map { i in
        let (y, x) = (i / 48, i % 48)
        let isBorder = y == 0 || y == 39 || x == 0 || x == 47
        return isBorder || (8..<25).contains(y) && (10..<33).contains(x) ? 1 : 0
      }, shape: [40, 48])
    let masked = try #require(expected["torchmetricsMasked"])
    #expect(isClose(ImageMetrics.meanSquaredError(a, b, masking: mask), masked.mse, within: 1e-12))
    #expect(isClose(ImageMetrics.psnr(a, b, masking: mask), masked.psnr, within: 1e-6))
    #expect(isClose(ImageMetrics.ssim(a, b, masking: mask), masked.ssim, within: 1e-6))
  }

  @Test("metrics are perfect for equal pictures") func equal() {
    let image = noisePicture(20, 15)
    #expect(ImageMetrics.meanSquaredError(image, image) == 0)
    #expect(ImageMetrics.psnr(image, image) == .infinity)
    #expect(abs(ImageMetrics.ssim(image, image) - 1) < 1e-12)
    #expect(abs(ImageMetrics.ssim(image, image, window: .uniform) - 1) < 1e-12)
  }

  @Test("metrics of black and white equal the formulas") func extremes() {
    let black = RGBImage(width: 12, height: 12, filledWith: SIMD3(repeating: 0))
    let white = RGBImage(width: 12, height: 12)
    #expect(ImageMetrics.meanSquaredError(black, white) == 1)
    #expect(ImageMetrics.psnr(black, white) == 0)
    // Only the first factor remains: its constant divided by one plus the constant.
    #expect(abs(ImageMetrics.ssim(black, white) - 1e-4 / (1 + 1e-4)) < 1e-9)
  }

  @Test("metrics are NaN where nothing is compared") func nothing() {
    let image = noisePicture(20, 15)
    let all = Tensor(repeating: 1, shape: [15, 20])
    #expect(ImageMetrics.meanSquaredError(image, image, masking: all).isNaN)
    #expect(ImageMetrics.psnr(image, image, masking: all).isNaN)
    #expect(ImageMetrics.ssim(image, image, masking: all).isNaN)
    let small = noisePicture(6, 30)
    #expect(ImageMetrics.ssim(small, small, window: .uniform).isNaN)
    #expect(abs(ImageMetrics.ssim(small, small) - 1) < 1e-12)
    let smaller = noisePicture(30, 5)
    #expect(ImageMetrics.ssim(smaller, smaller).isNaN)
  }

  @Test("differences under the mask are ignored") func mask() {
    let a = noisePicture(20, 15)
    var b = a
    b[3, 4] = SIMD3(1, 2, 3)
    var mask = Tensor(zeros: [15, 20])
    #expect(ImageMetrics.psnr(a, b, masking: mask) == ImageMetrics.psnr(a, b))
    mask.withMutableScalars { $0[4 * 20 + 3] = 1 }
    #expect(ImageMetrics.psnr(a, b, masking: mask) == .infinity)
  }
}
