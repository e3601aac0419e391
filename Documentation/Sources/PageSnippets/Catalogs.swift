import DiffusionCore
import EditEvaluation
import EmojiScenes
import Foundation
import NullTextInversion
import Pictures
import Tensor

func invertAndEdit(_ files: Files) async throws {
  let (modelURL, photoURL, outURL) = (files.modelURL, files.photoURL, files.result("tiger.png"))

  let editor = try await ImageEditor(model: .directory(modelURL))
  let photo = try RGBImage(contentsOf: photoURL)
  let inverted = try await editor.invert(image: photo, caption: "a cat sitting next to a mirror")
  let tiger = try await inverted.edit(prompt: "a tiger sitting next to a mirror")
  try tiger.image.write(to: outURL)
}

func evaluateUNet(_ files: Files) throws {
  let (modelURL, photoURL) = (files.modelURL, files.photoURL)

  let model = try DiffusionModel(.directory(modelURL))
  let unet = try model.unet
  let text = unet.context(try model.embedding(of: "a cat sitting next to a mirror"))
  let latent = try model.encode(try model.prepare(RGBImage(contentsOf: photoURL)).image)
  let output = unet(latent, timestep: 1, context: text)

  precondition(output.shape == latent.shape)
}

func evaluateBenchmark(_ files: Files) async throws {
  let folder = try files.benchmark()
  let output = files.result("evaluation")
  let editor = try await ImageEditor(model: .directory(files.modelURL))

  let benchmark = try PIEBench(contentsOf: folder)
  let evaluation = try Evaluation(of: benchmark, editor: editor, output: output)
  let outcome = try await evaluation.run()
  try EvaluationTable(output).write(to: output)

  _ = outcome
}

func resizeAndCompare(_ files: Files) throws {
  let (photoURL, outURL) = (files.photoURL, files.result("small.png"))
  let other = try RGBImage(contentsOf: photoURL).resized(width: 512, height: 512)

  let photo = try RGBImage(contentsOf: photoURL)
  let small = photo.resized(width: 512, height: 512)
  print(ImageMetrics.psnr(small, other))
  try small.write(to: outURL)
}

func differentiate() {
  let x = Tensor([1, 2, 3], shape: [3])
  let (value, gradient) = valueAndGradient(at: x) { ($0 * $0).meanSquaredError(to: Tensor(zeros: [3])) }

  // The derivative of the mean of x⁴ over three numbers is 4 x³ / 3.
  precondition(abs(value - 98.0 / 3) < 1e-4 && abs(gradient.scalars[2] - 36) < 1e-4)
}

func editDemoPicture() async throws {
  let editor = try await ImageEditor(model: .emojiScenes)
  let fox = try RGBImage(contentsOf: EmojiScenes.picture("600000000051"))
  let inverted = try await editor.invert(image: fox, caption: "a fox next to a strawberry on sand")
  let cat = try await inverted.edit(
    prompt: "a cat next to a strawberry on sand", options: editor.recommendation.editOptions)

  precondition(cat.image != fox)
}
