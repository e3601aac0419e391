internal import DiffusionCore
internal import Tensor

/// What can be measured of an edit without knowing what it should look like.
///
/// It tells variants of one edit apart that miss their words or touch the rest of the picture. It is no judge of beauty: a dull
/// edit in the right place scores higher than a fine one that spills over.
public struct EditScore: Sendable, Hashable, Codable {
  /// How much of the picture stayed outside of where the changed words look: structural similarity to the reconstruction, 1 if
  /// they look everywhere.
  public let kept: Double
  /// How much changed where they look: 1 less the structural similarity there.
  public let changed: Double
  /// The share of the attention to the words of the new prompt that lies where they look most; nil if there are no new words.
  public let attended: Double?

  /// What variants are ranked by, higher is better: `kept` times `attended`, or the root of `changed` without new words.
  public var total: Double { kept * (attended ?? changed.squareRoot()) }

  /// The share of a word's greatest attention from which on it counts as looking at a place: that of local blends.
  private static let threshold: Float = 0.3

  /// - Parameters:
  ///   - original: what the edit was made from, of the same size.
  ///   - source: the attention of the source under its caption.
  ///   - target: the attention of the edit under its prompt.
  init(
    of edited: RGBImage, from original: RGBImage, _ change: PromptChange, source: AttentionMaps,
    target: AttentionMaps
  ) throws {
    let old = try change.source.map { try source.map(of: $0) }
    let new = try change.target.map { try target.map(of: $0) }
    let region = Self.region((old + new).map(Self.marks), width: edited.width, height: edited.height)
    // A similarity with a part set to black in both pictures counts that part as alike.
    let (outside, whole) = (region.scalars.reduce(0, +), Float(region.count))
    let (inside, all) = (whole - outside, Double(whole))
    func difference(_ mask: Tensor, _ count: Float) -> Double {
      guard count > 0 else { return 0 }
      let similarity = ImageMetrics.ssim(original, edited, masking: mask)
      return similarity.isNaN ? 0 : min(1, max(0, (1 - similarity) * all / Double(count)))
    }
    kept = 1 - difference(region.mapped { 1 - $0 }, outside)
    changed = difference(region, inside)
    let shares = new.map { map -> Double in
      let marks = Self.marks(map)
      let (within, sum) = zip(map.scalars, marks.scalars).reduce((0.0, 0.0)) { sums, place in
        (sums.0 + Double(place.0 * place.1), sums.1 + Double(place.0))
      }
      return sum > 0 ? within / sum : 0
    }
    attended = shares.isEmpty ? nil : shares.reduce(0, +) / Double(shares.count)
  }

  /// 1 where a map exceeds the threshold of its maximum, 0 elsewhere.
  private static func marks(_ map: Tensor) -> Tensor {
    let limit = threshold * map.maximum
    return map.mapped { $0 > limit ? 1 : 0 }
  }

  /// 0 where any of some marks is, 1 outside, in pixels; nothing is outside if there are none.
  private static func region(_ marks: [Tensor], width: Int, height: Int) -> Tensor {
    Tensor(shape: [height, width]) { region in
      region.initialize(repeating: marks.isEmpty ? 0 : 1)
      for map in marks {
        let (rows, columns) = map.shape2
        map.withScalars { marks in
          for y in 0..<height {
            for x in 0..<width where marks[y * rows / height * columns + x * columns / width] > 0 {
              region[y * width + x] = 0
            }
          }
        }
      }
    }
  }
}
